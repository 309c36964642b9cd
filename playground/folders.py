"""The folders of this user that the app writes to, on each system."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

_MAC = {"cache": "Caches", "data": "Application Support"}
_XDG = {"cache": ("XDG_CACHE_HOME", ".cache"), "data": ("XDG_DATA_HOME", ".local/share")}


def own_folder(kind: Literal["cache", "data"], environ: Mapping[str, str], platform: str) -> Path:
    """PLAYGROUND_CACHE or PLAYGROUND_DATA, else the project's folder in this user's cache or data."""
    if named := environ.get(f"PLAYGROUND_{kind.upper()}"):
        return Path(named).expanduser()
    try:
        home = Path.home()
    except RuntimeError:  # a container may run as a user without a home
        home = Path(tempfile.gettempdir())
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / _MAC[kind]
    else:
        name, usual = _XDG[kind]
        base = Path(environ.get(name) or home / usual)
    return base / "persona-playground"
