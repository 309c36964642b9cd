"""Which key goes to which address: found, cleaned, masked, and bound to its provider's origin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from playground.providers import Provider

Origin = Literal["typed", "secrets", "environment", "placeholder", "none"]

_INVISIBLE = re.compile(r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+")
_KEY_LIKE = re.compile(
    r"\b(?:(?:sk|gsk|hf|nvapi|xai|csk|fw|tgp)[-_][\w-]{8,}|AIza[\w-]{20,}|AQ\.[\w-]{16,})|(?<=Bearer )[\w.-]{8,}"
)


LEAST = 6
"""Characters from which on a key, or what is left of one, is hidden in a text."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it was found; its text never shows in a repr."""

    value: str = field(repr=False)
    origin: Origin


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and the one key that may go there.

    `public_only` where a visitor gave the address from elsewhere; `secret` where the key is a real one, not merely a
    word that stands for none, and goes to somebody else's machine encrypted or not at all.
    """

    base_url: str
    key: str = field(repr=False)
    public_only: bool = False
    secret: bool = False

    @property
    def fault(self) -> str:
        """Our failure code for an address that no request may go to, "" where one may."""
        if not valid_url(self.base_url):
            return "bad_url"
        if self.base_url.lower().startswith("https://"):
            return ""
        if self.public_only:
            return "bad_url"
        return "plain_http" if self.secret and not _is_this_machine(url_host(self.base_url)) else ""


def find_key(provider: Provider, typed: str, secrets: Mapping[str, Any], environ: Mapping[str, str]) -> Key:
    """Look for the provider's key: typed by the visitor, then the secrets, then the environment."""
    if clean_key(typed):
        return Key(clean_key(typed), "typed")
    for name in filter(None, (provider.secret, *provider.api_key_env)):
        value = secrets.get(name)
        if isinstance(value, str) and clean_key(value):
            return Key(clean_key(value), "secrets")
    for name in provider.api_key_env:
        if clean_key(environ.get(name, "")):
            return Key(clean_key(environ[name]), "environment")
    return Key(provider.api_key, "placeholder") if provider.api_key else Key("", "none")


def clean_key(text: str) -> str:
    """Undo what pasting does to a key: spaces, line breaks, invisible and full-width characters, quotes, "Bearer "."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"^\s*(?:authorization:\s*)?bearer\s+", "", text, flags=re.IGNORECASE)
    return _INVISIBLE.sub("", text).strip("\"'`“”‘’「」 \t\r\n\u00a0\u2028\u2029")


def well_formed(key: str) -> bool:
    """Whether a cleaned key can travel in an HTTP header at all."""
    return key.isascii() and key.isprintable() and bool(key) and " " not in key


def valid_url(url: str) -> bool:
    """Whether a base_url is one that a request can be sent to."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and "@" not in parts.netloc
        )
    except ValueError:
        return False


def url_host(url: str) -> str:
    """The host's name in a base_url, "" where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or host == "::1" or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def mask(text: str, *secrets: str) -> str:
    """Hide known keys, and whatever looks like one, in a text that goes to a screen, a log or a file."""
    for secret in secrets:
        if len(secret) >= LEAST:
            text = text.replace(secret, _short(secret))
            # A text that was cut off may end within the key.
            cut = next((n for n in range(len(secret) - 1, LEAST - 1, -1) if text.endswith(secret[:n])), 0)
            text = f"{text[: len(text) - cut]}…" if cut else text
    return _KEY_LIKE.sub(lambda m: _short(m.group()), text)


def address(provider: Provider, environ: Mapping[str, str]) -> str:
    """The provider's base_url; a local server's may be moved by its environment variable."""
    for name in provider.base_url_env:
        if value := environ.get(name, "").strip():
            return tidy_url(value)
    return tidy_url(provider.base_url)


def endpoint(provider: Provider, key: Key, environ: Mapping[str, str]) -> Endpoint:
    """Where a provider answers, with its key; an operator's local server may do without encryption."""
    operators = key.origin in ("secrets", "environment") and provider.kind == "cloud"
    return Endpoint(address(provider, environ), key.value, secret=operators or key.origin == "typed")


def own_endpoint(provider: Provider, url: str, typed: str, here: bool) -> Endpoint:
    """The visitor's own server with the visitor's own key, never one of the operator's.

    `here` says that the app runs for the person at this very machine, whose private network is their own.
    """
    own = clean_key(typed)
    return Endpoint(tidy_url(url), own or provider.api_key, public_only=not here, secret=bool(own))


def tidy_url(url: str) -> str:
    """Trim what people paste after a base_url, and give a bare host its scheme and path."""
    url = url.strip().rstrip("/")
    url = re.sub(r"/(chat/completions|completions|models)$", "", url)
    if url and "://" not in url:
        url = f"http://{url}"
    if re.fullmatch(r"http://[^/]+", url):
        url += "/v1"
    return url


def _short(secret: str) -> str:
    return f"{secret[:3]}…{secret[-4:]}" if len(secret) >= 12 else "…"
