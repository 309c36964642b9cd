"""The rules that checks apply to a reply; a new one is a function and its entry in RULES."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from playground.language import Language, language_of
from playground.reading import emoji, folded, length, sentences, tidy, unfenced, without_face
from playground.refusals import declines


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a rule holds, and as a key under `checks.found` in locales/ with its slots, what was there."""

    holds: bool | None
    code: str
    slots: dict[str, object] = field(default_factory=dict)


def _compiled(pattern: str) -> Any:
    """Compile with RE2, whose time grows with the reply and not with its powers; nothing is kept in memory."""
    import re2

    # First within little memory: counted repetitions such as (.?){900} make RE2 slow, and do not fit.
    for memory in (1 << 16, 1 << 23):
        options = re2.Options()
        options.log_errors = False
        options.max_mem = memory
        try:
            compiled = re2.compile(pattern, options)
        except re2.error as error:
            raise PydanticCustomError("bad_pattern", "{detail}", {"detail": error.args[0].decode()}) from None
        finally:
            re2.purge()
    return compiled


def _compiles(pattern: str) -> str:
    _compiled(pattern)
    return pattern


Text = Annotated[str, Field(min_length=1, max_length=10_000, coerce_numbers_to_str=True)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)]
Count = Annotated[int, Field(ge=1)]
Pattern = Annotated[Text, Field(max_length=1_000), AfterValidator(_compiles)]

# A rule takes (reply, value, exact); what its `value` is annotated with is what YAML has to write there.


def contains(reply: str, value: Text, exact: bool) -> Found:
    """The text is somewhere in the reply."""
    return Found(True, "present") if _is_in(value, reply, exact) else Found(False, "absent")


def icontains(reply: str, value: Text, exact: bool) -> Found:
    """The text is somewhere in the reply, in capitals or not."""
    return contains(reply.casefold(), value.casefold(), exact)


def contains_all(reply: str, value: Texts, exact: bool) -> Found:
    """Every one of the texts is somewhere in the reply."""
    missing = [text for text in value if not _is_in(text, reply, exact)]
    return Found(False, "missing", {"found": " / ".join(missing)}) if missing else Found(True, "present")


def contains_any(reply: str, value: Texts, exact: bool) -> Found:
    """One of the texts, or more, is somewhere in the reply."""
    there = [text for text in value if _is_in(text, reply, exact)]
    return Found(True, "text", {"found": " / ".join(there)}) if there else Found(False, "absent")


def starts_with(reply: str, value: Text, exact: bool) -> Found:
    """The reply begins with the text."""
    said, wanted = _comparable(reply, value, exact)
    return Found(said.startswith(wanted), "beginning", {"found": reply.strip()[: len(value) + 20]})


def ends_with(reply: str, value: Text, exact: bool) -> Found:
    """Nothing is said after the text; a smiley or a closing bracket says nothing."""
    said, wanted = _comparable(reply, value, exact)
    holds = said.endswith(wanted) or (not exact and without_face(said).endswith(wanted))
    return Found(holds, "ending", {"found": reply.strip()[-len(value) - 20 :]})


def equals(reply: str, value: Text, exact: bool) -> Found:
    """The reply says the text and nothing else."""
    said, wanted = _comparable(reply, value, exact)
    return Found(said == wanted, "text", {"found": reply.strip()[: len(value) + 20]})


def regex(reply: str, value: Pattern, exact: bool) -> Found:
    """RE2 finds the pattern in the reply as it stands; `$` matches before white space at the very end too."""
    reply = reply.encode(errors="replace").decode()  # RE2 takes no lone surrogates
    pattern = _compiled(value)
    match = pattern.search(reply) or pattern.search(reply.rstrip())
    return Found(True, "text", {"found": match[0][:200]}) if match else Found(False, "no-match")


def is_json(reply: str, value: None, exact: bool) -> Found:
    """The reply is one JSON text (RFC 8259), which may stand in a fence unless `exact`."""
    try:
        # Whole numbers stay text: Python refuses to read very long ones.
        json.loads(reply if exact else unfenced(reply), parse_int=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Found(False, "no-json")
    return Found(True, "json")


def max_chars(reply: str, value: Count, exact: bool) -> Found:
    """The reply has so many characters or fewer; `exact` counts code points."""
    count = len(reply) if exact else length(reply)
    return Found(count <= value, "chars", {"found": count})


def min_chars(reply: str, value: Count, exact: bool) -> Found:
    """The reply has so many characters or more; `exact` counts code points."""
    count = len(reply) if exact else length(reply)
    return Found(count >= value, "chars", {"found": count})


def max_sentences(reply: str, value: Count, exact: bool) -> Found:
    """The reply has so many sentences or fewer."""
    count = sentences(reply)
    return Found(count <= value, "sentences", {"found": count})


def language(reply: str, value: Language, exact: bool) -> Found:
    """The reply is in the language; `exact` forgives not one character of the other Chinese script."""
    found = language_of(reply, strict=exact)
    return Found(found == value or (found == "zh" and value.startswith("zh")), f"language-{found}")


def is_refusal(reply: str, value: None, exact: bool) -> Found:
    """The reply declines what was asked."""
    return Found(True, "refusal") if declines(reply) else Found(False, "no-refusal")


RULES: dict[str, Callable[[str, Any, bool], Found]] = {
    "contains": contains,
    "contains-all": contains_all,
    "contains-any": contains_any,
    "icontains": icontains,
    "starts-with": starts_with,
    "ends-with": ends_with,
    "equals": equals,
    "regex": regex,
    "is-json": is_json,
    "max-chars": max_chars,
    "min-chars": min_chars,
    "max-sentences": max_sentences,
    "language": language,
    "is-refusal": is_refusal,
}


ASKING: dict[str, Any] = {"llm-rubric": Text}
"""Rules that cost a call to a model (playground.rubric asks it), with what YAML has to write there."""


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _is_in(value: str, reply: str, exact: bool) -> bool:
    if exact:
        return value in reply
    said, wanted = _read(reply, value)
    # "LuckyVicky" holds "Lucky Vicky", but "visit" does not hold "is it".
    return wanted in said or (" " in wanted and _with_edges(wanted.replace(" ", "")) in _with_edges(said))


def _with_edges(text: str) -> str:
    return re.sub(r"(?<![0-9A-Za-z])(?=[0-9A-Za-z])|(?<=[0-9A-Za-z])(?![0-9A-Za-z])", "\0", text)


def _comparable(reply: str, value: str, exact: bool) -> tuple[str, str]:
    if exact:
        return reply, value
    said, wanted = _read(reply, value)
    return said.replace(" ", ""), wanted.replace(" ", "")


def _read(reply: str, value: str) -> tuple[str, str]:
    """Both as a reader takes them; a value that is all marks ("**", 🙂, "?") is what the check is about."""
    wanted = tidy(value, emoji(value))
    if any(map(str.isalnum, wanted)):
        return tidy(reply, emoji(value)), wanted
    return folded(reply), folded(value)
