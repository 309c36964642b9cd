"""Whether somebody writes that they may harm themselves; no model is asked, so it holds with every model."""

from __future__ import annotations

import re

_SAYS = re.compile(
    r"\b(?:kill(?:ing)? myself|end(?:ing)? my (?:own )?life|suicid(?:e|al)|hurt(?:ing)? myself|self[- ]?harm)\b"
    r"|\b(?:want|wish|going) to (?:die|be dead)\b|\bbetter off dead\b"
    r"|\bdo(?:n['’]t| not) want to (?:live|be alive)\b"
    r"|自殺|自殘|輕生|不想活|活不下去|想要?死(?!你)|想傷害自己|結束自己的生命",
    re.IGNORECASE,
)


def is_cry_for_help(text: str) -> bool:
    """Tell whether a text speaks of suicide or of harming oneself, in English or Chinese; rather once too often."""
    return _SAYS.search(text) is not None
