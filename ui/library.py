"""The personas and providers that a page shows: read from their files, again as soon as these change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import streamlit as st

from playground.config import Problem
from playground.i18n import translator
from playground.lesson import LESSON_FILE, Entry, Lesson, load_lesson, place, with_lesson
from playground.personas import Shelf, load_personas, personas_folder
from playground.providers import PROVIDERS_FILE, ProvidersFile, load_providers


def providers_file() -> Path:
    """Where the providers are; PLAYGROUND_PROVIDERS names another file."""
    return Path(os.environ.get("PLAYGROUND_PROVIDERS") or PROVIDERS_FILE)


@cache
def _known(folder: str) -> list[Shelf]:
    return []


def personas() -> Shelf:
    """The personas as their files are now; files that did not change are not read again."""
    folder = personas_folder(os.environ)
    known = _known(str(folder))
    shelf = load_personas(folder, known[0] if known else None)
    known[:] = [shelf]
    _names(str(folder)).update({slug: persona.name for slug, persona in shelf.personas.items()})
    return shelf


@cache
def _names(folder: str) -> dict[str, str]:
    return {}


def name_of(slug: str) -> str:
    """What a persona is called, or was as long as its file was here; its slug where this process never saw it."""
    return _names(str(personas_folder(os.environ))).get(slug, slug)


def lesson_file() -> Path:
    """Where the recorded lesson is; PLAYGROUND_LESSON names another file."""
    return Path(os.environ.get("PLAYGROUND_LESSON") or LESSON_FILE)


@st.cache_resource(show_spinner=False, max_entries=4)
def _lesson(path: str, stamp: float) -> tuple[str, Lesson] | None:
    lesson = load_lesson(Path(path))
    return place(lesson) if lesson else None


@dataclass(frozen=True, eq=False)
class _Version:
    """The providers' file as it was at one moment; caches know it by what it is and not by what it holds."""

    path: str
    stamp: float
    file: ProvidersFile | None
    problems: tuple[Problem, ...]


@lru_cache(maxsize=4)
@st.cache_resource(show_spinner=False, max_entries=4)
def _read(path: str, stamp: float) -> _Version:
    return _Version(path, stamp, *load_providers(Path(path)))


@cache
def _last_good(path: str) -> list[_Version]:
    return []


def providers(
    language: str = "en", own: tuple[str, Lesson] | None = None
) -> tuple[ProvidersFile | None, tuple[Problem, ...]]:
    """The providers as their file is now, and nothing; or as it was before it got a slip, and what is wrong with it.

    None where this process never saw a good one. The recorded lesson is the visitor's own, if any; it comes with the
    name that `place` gave it.
    """
    path, file = providers_file(), lesson_file()
    version = _read(str(path), _stamp(path))
    good, problems = _last_good(str(path)), () if version.file else version.problems
    if version.file:
        good[:] = [version]
    elif good:
        version = good[0]
    if own is None:
        return _usual(version, str(file), _stamp(file), language), problems
    return _with_lesson(version, language, *own), problems


# Streamlit's caches let one visitor read a file while the others wait, and take half a millisecond whenever asked.
@lru_cache(maxsize=16)
def _usual(version: _Version, file: str, file_stamp: float, language: str) -> ProvidersFile | None:
    lesson = _lesson(file, file_stamp)
    return _with_lesson(version, language, *lesson) if lesson else version.file


def _with_lesson(version: _Version, language: str, name: str, lesson: Lesson) -> ProvidersFile | None:
    return version.file and _joined(version.path, version.stamp, language, name, lesson, version.file)


@st.cache_resource(show_spinner=False, max_entries=16)
def _joined(
    path: str, stamp: float, language: str, name: str, _lesson: Lesson, _file: ProvidersFile
) -> ProvidersFile:
    t = translator(language)

    def named(one: Entry) -> str:
        return t("recorded.model", model=one.label or one.model, date=one.recorded)

    return with_lesson(_file, _lesson, name, named, language)


def _stamp(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0
