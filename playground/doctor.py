"""Says whether every provider is ready for class: `python -m playground doctor`."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from playground.checkup import Diagnosis, Keyring, State, Step, examine_all
from playground.events import clean
from playground.i18n import LANGUAGES, Translator, translator
from playground.providers import PROVIDERS_FILE, load_providers

SECRETS_FILE = PROVIDERS_FILE.parent / ".streamlit" / "secrets.toml"
MAX_QUOTE = 200
_MARKS: dict[State, str] = {"good": "✓", "warned": "!", "failed": "✗", "skipped": "–", "not_running": "–"}


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Tell a subcommand's parser what `run` understands; `language` is the default one."""
    parser.add_argument(
        "providers", nargs="*", metavar="PROVIDER", help="ids as in providers.yaml; default: all of them"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--language", choices=tuple(LANGUAGES), default=language)
    parser.add_argument(
        "--secrets", type=Path, metavar="PATH", default=SECRETS_FILE, help="default: .streamlit/secrets.toml"
    )


def run(args: argparse.Namespace, environ: Mapping[str, str], out: TextIO | None = None) -> int:
    """Look at the providers and print what was found; no key is printed, but masked.

    The exit code is 0 when every provider with a key, and every one that was named, replies; 2 on a wrong call.
    """
    t, out = translator(args.language), out or sys.stdout
    path = Path(environ.get("PLAYGROUND_PROVIDERS") or PROVIDERS_FILE)
    providers, _ = load_providers(path)
    if providers is None:
        print(t("doctor.broken_providers", file=path.as_posix()), file=sys.stderr)
        return 1
    if unknown := [name for name in args.providers if name not in providers.all]:
        known = ", ".join(providers.all)
        print(t("doctor.unknown", name=", ".join(unknown), known=known), file=sys.stderr)
        return 2
    secrets, broken = read_secrets(args.secrets)
    if broken:
        print(t("doctor.broken_secrets", file=args.secrets.as_posix(), reason=broken), file=sys.stderr)
    found = []
    # A recording answers whatever the network does: there is nothing to look at.
    live = tuple(name for name, one in providers.all.items() if one.kind != "recorded")
    wanted = tuple(dict.fromkeys(args.providers)) or live
    for one in examine_all(providers, wanted, Keyring({}, secrets, environ)):
        found.append(one)
        if args.format == "text":
            print("\n".join(_as_text(one, t)), file=out, flush=True)
    if args.format == "json":
        print(json.dumps([_as_json(one, t) for one in found], ensure_ascii=False, indent=2), file=out)
    else:
        print(_summary(found, t), file=out)
    bad = [one for one in found if one.state == "failed" or (args.providers and one.state != "good")]
    return 1 if bad or broken else 0


def wording(step: Step, t: Translator) -> str:
    """Say in the translator's language what a step found."""
    if step.failure:
        return _failure_words(step, t)
    if step.name == "quota":
        return t("doctor.quota.separator").join(
            t(f"doctor.quota.{name}", count=f"{count:,.0f}") for name, count in step.slots.items()
        )
    return t(f"doctor.{step.name}.{step.code}", **{name: _plain(value) for name, value in step.slots.items()})


def read_secrets(path: Path) -> tuple[dict[str, Any], str]:
    """The secrets in a TOML file, none where there is no file; or why it cannot be read, without its content."""
    try:
        return tomllib.loads(path.read_text("utf-8")), ""
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError) as error:
        return {}, where_broken(error)


def where_broken(error: BaseException) -> str:
    """Where a TOML file breaks off, or the name of what else is wrong; nothing of its content."""
    # The message may quote what was met; where it was is enough.
    place = str(error).rpartition("(")[2] if isinstance(error, tomllib.TOMLDecodeError) else ""
    return place.removesuffix(")") if place.startswith("at ") else type(error).__name__


def _failure_words(step: Step, t: Translator) -> str:
    fault = step.failure
    assert fault
    slots = {name: _plain(value) for name, value in step.slots.items()}
    said = [t(f"failure.{fault.code}.what", **slots)]
    if fault.seconds:
        said.append(t("doctor.hint.wait", seconds=f"{fault.seconds:,.0f}"))
    if fault.code == "model_gone" and slots["successor"]:
        said.append(t("doctor.hint.successor", model=slots["successor"]))
    if fault.detail:
        said.append(f"[{fault.status or ''} {_plain(fault.detail)}]".replace("[ ", "["))
    return " ".join(said)


def _as_text(one: Diagnosis, t: Translator) -> Iterator[str]:
    key = one.steps[0]
    name = f"{one.label} ({one.provider})"
    if one.state == "skipped":
        yield f"{_MARKS['skipped']} {name}: {wording(key, t)}"
        return
    if one.state == "not_running":
        yield f"{_MARKS['not_running']} {name}: {t('doctor.not_running', address=one.address)}"
        return
    yield f"{_MARKS[one.state]} {name}  {one.address}".rstrip()
    for step in one.steps:
        yield f"    {_MARKS[step.state]} {t(f'doctor.step.{step.name}')}: {wording(step, t)}"


def _as_json(one: Diagnosis, t: Translator) -> dict[str, Any]:
    steps = [{**asdict(step), "message": wording(step, t)} for step in one.steps]
    return {**asdict(one), "steps": steps}


def _summary(found: list[Diagnosis], t: Translator) -> str:
    states = [one.state for one in found]
    good, failed = states.count("good"), states.count("failed")
    return t("doctor.summary", good=good, failed=failed, skipped=len(found) - good - failed)


def _plain(value: object) -> str:
    """A stranger's text on one line, without what would move a terminal's cursor."""
    return " ".join(clean(str(value)).split())[:MAX_QUOTE]
