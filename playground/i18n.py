"""Words: every sentence on screen comes from locales/, chosen by language and key."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# libyaml reads our own files ten times as fast, where PyYAML was built with it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LOCALES = Path(__file__).resolve().parent.parent / "locales"
LANGUAGES = {"zh-TW": "繁體中文", "en": "English"}

Translator = Callable[..., str]
"""`t("chat.stop", seconds=3)` -> the sentence; a missing key is a programming error and raises KeyError."""


def translator(language: str) -> Translator:
    """Return the function that words a key in `language`, one of LANGUAGES."""
    words = locale(language)

    def t(key: str, **slots: object) -> str:
        return words[key].format(**slots) if slots else words[key]

    return t


def choose_language(*wishes: str | None) -> str:
    """Pick the language for the first wish that names one ("zh-Hant", "en-GB", a browser's locale), else English."""
    for wish in wishes:
        tag = (wish or "").lower().replace("_", "-")
        if tag.startswith("zh"):
            return "zh-TW"
        if tag.startswith("en"):
            return "en"
    return "en"


@cache
def locale(language: str) -> dict[str, str]:
    """Read a language's file as flat keys, `chat.stop`; the files are ours, so a fault in one raises."""
    return dict(_flatten(_read(language)))


def streamlit_words() -> dict[str, dict[str, str]]:
    """What stands where Streamlit itself writes something, by language and by its own English words."""
    return _read("streamlit")


def _read(name: str) -> dict[str, Any]:
    return _Loader((LOCALES / f"{name}.yaml").read_text("utf-8")).get_single_data()


def _flatten(node: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, value in node.items():
        if isinstance(value, dict):
            flat += _flatten(value, f"{prefix}{key}.")
        else:
            flat.append((f"{prefix}{key}", str(value)))
    return flat
