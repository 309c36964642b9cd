"""Keys and addresses: found in order, cleaned of what pasting does, masked, and never sent astray."""

from __future__ import annotations

import pytest

from playground.keys import (
    Endpoint,
    Key,
    address,
    clean_key,
    find_key,
    mask,
    tidy_url,
    valid_url,
    well_formed,
)
from playground.providers import Provider
from tests.tables import table

GOOD = "sk-abcDEF0123456789"
GROQ = Provider(
    id="groq", label="Groq", secret="Groq", api_key_env=("GROQ_API_KEY",), base_url="https://x.example/v1"
)


@table(
    "pasted",
    [
        f"{GOOD}\n",
        f"  {GOOD}  ",
        f"Bearer {GOOD}",
        f"Authorization: Bearer {GOOD}",
        f'"{GOOD}"',
        f"「{GOOD}」",
        f"\ufeff{GOOD}\u200b",
        "sk-abc\u200bDEF\u20600123456789",
        "ｓｋ－ａｂｃＤＥＦ０１２３４５６７８９",
        f"\u3000{GOOD}\u00a0",
    ],
)
def test_pasting_is_undone(pasted: str) -> None:
    assert clean_key(pasted) == GOOD


@pytest.mark.parametrize("key", ["", "我的金鑰", "sk-abc def", "sk-abc\r\nx-evil: 1", "sk-äöü", "sk-\x00abc"])
def test_what_no_key_has(key: str) -> None:
    assert not well_formed(clean_key(key))


@pytest.mark.parametrize(
    ("typed", "secrets", "environ", "found"),
    [
        (" a ", {"Groq": "b"}, {"GROQ_API_KEY": "c"}, Key("a", "typed")),
        ("", {"Groq": "b", "GROQ_API_KEY": "x"}, {"GROQ_API_KEY": "c"}, Key("b", "secrets")),
        ("", {"GROQ_API_KEY": "b"}, {"GROQ_API_KEY": "c"}, Key("b", "secrets")),
        (" ", {"Groq": "", "OpenAI": "no"}, {"GROQ_API_KEY": "c"}, Key("c", "environment")),
        ("", {"Groq": {"nested": "b"}}, {"OPENAI_API_KEY": "no"}, Key("", "none")),
        ("", {}, {}, Key("", "none")),
    ],
)
def test_where_a_key_is_found(
    typed: str, secrets: dict[str, object], environ: dict[str, str], found: Key
) -> None:
    assert find_key(GROQ, typed, secrets, environ) == found


def test_placeholder_where_none_is_needed() -> None:
    local = Provider(label="Ollama", kind="local", api_key="ollama")
    assert find_key(local, "", {}, {"OPENAI_API_KEY": "no"}) == Key("ollama", "placeholder")


def test_keys_never_show() -> None:
    assert GOOD not in repr(Key(GOOD, "typed"))
    assert GOOD not in repr(Endpoint("https://x.example/v1", GOOD))
    assert GOOD not in mask(f"Incorrect API key provided: {GOOD}", GOOD)
    assert "gsk_0123456789abcdef" not in mask("the key gsk_0123456789abcdef is bad")


@table(
    "text, found",
    [
        (f"my key is {GOOD}", True),
        ("gsk_0123456789abcdef", True),
        ("AIzaSyA1234567890abcdefghij", True),
        ("hf_abcdefghijklmnop", True),
        ("I have a task-force meeting", False),
        ("risk-free and ask-me-anything", False),
        ("sk-8 is a small plane", False),
        ("什麼是 API 金鑰？", False),
    ],
)
def test_what_looks_like_a_key(text: str, found: bool) -> None:
    assert (mask(text) != text) is found
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    ("url", "tidy"),
    [
        ("https://api.example/v1/", "https://api.example/v1"),
        ("https://api.example/v1/chat/completions", "https://api.example/v1"),
        ("https://api.example/v1/models", "https://api.example/v1"),
        ("127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("http://localhost:1234", "http://localhost:1234/v1"),
        ("https://api.deepseek.example", "https://api.deepseek.example"),
    ],
)
def test_tidy_url(url: str, tidy: str) -> None:
    assert tidy_url(url) == tidy
    assert valid_url(tidy)


@table(
    "url",
    [
        "",
        "file:///etc/passwd",
        "ftp://x/v1",
        "http://[::1/v1",
        "http://h:99999/v1",
        "http://a b/v1",
        "http:///v1",
        "http://user:pw@host/v1",
        "http://１２７.0.0.1/v1",
        "http://h/\x00",
    ],
)
def test_what_is_no_url(url: str) -> None:
    assert not valid_url(url)


def test_a_local_server_may_be_moved() -> None:
    local = Provider(
        label="Ollama", kind="local", base_url="http://localhost:11434/v1", base_url_env=("OLLAMA_HOST",)
    )
    assert address(local, {}) == "http://localhost:11434/v1"
    assert address(local, {"OLLAMA_HOST": "10.0.0.5:11434"}) == "http://10.0.0.5:11434/v1"
    assert address(GROQ, {"OPENAI_BASE_URL": "http://evil.example/v1"}) == "https://x.example/v1"
