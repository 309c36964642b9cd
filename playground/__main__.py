"""The command line: `python -m playground check` says what is wrong with the YAML files."""

from __future__ import annotations

import argparse
import json
import locale
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playground import doctor, prove_command
from playground.config import Problem, wording
from playground.i18n import LANGUAGES, Translator, choose_language, translator
from playground.personas import (
    SCHEMA_FILE,
    load_personas,
    persona_schema,
    personas_folder,
    read_persona_file,
    repaired_persona,
)

_PROVIDERS_NAME = re.compile(r"providers.*\.ya?ml$", re.IGNORECASE)
_PROVIDERS_KEY = re.compile(rb"^(\xef\xbb\xbf)?providers[ ]*:", re.MULTILINE)


class Checked(NamedTuple):
    """A file, and what there is to say about it."""

    path: Path
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """How many of its problems keep it from being used."""
        return sum(p.level == "error" for p in self.problems)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run one command; the exit code is 0 when all is well, 1 on an error in a file, 2 on a wrong call."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(encoding="utf-8", errors="replace")
    args = _parser(environ).parse_args(argv)
    return int(args.run(args, environ))


def check(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Say what is wrong with persona and provider files, and with --fix repair what is certain."""
    paths = args.paths or [personas_folder(environ), _providers_file(environ)]
    t = translator(args.language)
    if args.fix:
        for one in _checked(paths):
            if any(p.edit for p in one.problems) and not _holds_providers(one.path):
                _fix(one.path, t)
    found = list(_checked(paths))
    if args.format == "json":
        print(json.dumps([_as_json(one, t) for one in found], ensure_ascii=False, indent=2))
    else:
        print("\n".join(_as_text(found, t)))
    return 1 if any(one.errors for one in found) else 0


def schema(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the JSON Schema of a persona, or write it where editors look for it."""
    text = json.dumps(persona_schema(), ensure_ascii=False, indent=2) + "\n"
    if args.write:
        SCHEMA_FILE.write_text(text, "utf-8", newline="\n")
    else:
        print(text, end="")
    return 0


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("check", help="check persona and provider files", description=check.__doc__)
    one.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="files or folders; default: all of ours"
    )
    one.add_argument("--format", choices=("text", "json"), default="text")
    one.add_argument("--language", choices=tuple(LANGUAGES), default=_language(environ))
    one.add_argument("--fix", action="store_true", help="repair what can be repaired for certain")
    one.set_defaults(run=check)
    one = commands.add_parser("schema", help="print the schema of persona files", description=schema.__doc__)
    one.add_argument("--write", action="store_true", help=f"write {SCHEMA_FILE.name} instead")
    one.set_defaults(run=schema)
    one = commands.add_parser("doctor", help="try providers with your keys", description=doctor.__doc__)
    doctor.add_arguments(one, _language(environ))
    one.set_defaults(run=doctor.run)
    one = commands.add_parser(
        "test", help="hold a persona's checks against models", description=prove_command.__doc__
    )
    prove_command.add_arguments(one, _language(environ))
    one.set_defaults(run=prove_command.run)
    return parser


def _language(environ: Mapping[str, str]) -> str:
    system = locale.getlocale()[0] or ""
    windows = "zh-TW" if system.startswith("Chinese") else system
    return choose_language(*(environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")), windows)


def _providers_file(environ: Mapping[str, str]) -> Path:
    from playground.providers import PROVIDERS_FILE

    return Path(environ.get("PLAYGROUND_PROVIDERS") or PROVIDERS_FILE)


def _checked(paths: list[Path]) -> Iterator[Checked]:
    for path in paths:
        if not path.is_dir():
            yield _check_file(path)
            continue
        for file in load_personas(path).files:
            one = path / file.file
            if file.stamp and _holds_providers(one):
                yield _check_file(one)
            else:
                yield Checked(one, file.problems)


def _check_file(path: Path) -> Checked:
    if _holds_providers(path):
        from playground.providers import load_providers

        return Checked(path, load_providers(path)[1])
    return Checked(path, read_persona_file(path)[1])


def _holds_providers(path: Path) -> bool:
    if _PROVIDERS_NAME.match(path.name):
        return True
    try:
        with path.open("rb") as file:
            return _PROVIDERS_KEY.search(file.read(65536)) is not None
    except OSError:
        return False


def _fix(path: Path, t: Translator) -> None:
    try:
        source = path.read_bytes()
        # What stands in two files, or was mended meanwhile, leaves nothing to do here.
        if text := repaired_persona(source):
            path.write_text(text, "utf-8", newline="\r\n" if b"\r\n" in source else "\n")
            print(t("problems.report.repaired", file=_shown(path)), file=sys.stderr)
    except OSError as error:
        print(f"{_shown(path)}: {error.strerror}", file=sys.stderr)


def _as_json(one: Checked, t: Translator) -> dict[str, Any]:
    problems = []
    for problem in one.problems:
        message, fix = wording(problem, t)
        place = {"line": problem.line, "column": problem.column}
        problems.append(
            {"level": problem.level, "code": problem.code, **place, "message": message, "fix": fix}
        )
    return {"file": _shown(one.path), "ok": not one.errors, "problems": problems}


def _as_text(found: list[Checked], t: Translator) -> Iterator[str]:
    if not found:
        yield t("problems.report.nothing")
        return
    for one in found:
        state = "broken" if one.errors else "warned" if one.problems else "good"
        yield {"broken": "✗ ", "warned": "! ", "good": "✓ "}[state] + t(
            f"problems.report.{state}", file=_shown(one.path)
        )
        for problem in one.problems:
            what, fix = wording(problem, t)
            line = t("problem_place.line", line=problem.line) if problem.line else ""
            yield f"    {line}{what}"
            yield f"      → {fix}"
    errors = sum(one.errors for one in found)
    warnings = sum(len(one.problems) for one in found) - errors
    yield t("problems.report.total", files=len(found), errors=errors, warnings=warnings)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


if __name__ == "__main__":
    raise SystemExit(main())
