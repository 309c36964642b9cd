"""Puts a persona's text into the folder: never outside it, and never over another file unasked."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from playground.personas import slug_of


def file_name(words: str) -> str:
    """Turn any words into a name for a persona's file that is safe everywhere."""
    return f"{slug_of(words)}.yaml"


def rival(folder: Path, file: str) -> str | None:
    """The file of the folder that goes by the same name, whatever its order number, case and suffix."""
    names = sorted(n for n in os.listdir(folder) if n.lower().endswith((".yaml", ".yml")) and n[0] != ".")
    return next((n for n in names if slug_of(n) == slug_of(file)), None)


def can_save(folder: Path) -> bool:
    """Whether files can be written into the folder."""
    return folder.is_dir() and os.access(folder, os.W_OK)


def holds(folder: Path, file: str, text: str) -> bool:
    """Whether the file holds just what `save` wrote for the text."""
    try:
        return (folder / file).read_bytes() == _whole(text).encode()
    except OSError:
        return False


def save(folder: Path, file: str, text: str, *, over: bool = False) -> Path:
    """Write the text as `file` of the folder, whole or not at all.

    Raises ValueError on a name that leads elsewhere or is no YAML file's, FileExistsError where there is such a
    file and it is not to be written `over`, and OSError where nothing can be written. A link is replaced, never
    followed.
    """
    if (
        file != Path(file).name
        or "\\" in file
        or not file.lower().endswith((".yaml", ".yml"))
        or file[0] == "."
    ):
        raise ValueError(file)
    target = folder / file
    claimed = False
    number, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as part:
            part.write(_whole(text))
        os.chmod(name, 0o644)
        if not over:
            target.open("x").close()
            claimed = True
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        if claimed:
            target.unlink()
        raise
    return target


def _whole(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
