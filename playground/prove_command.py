"""Holds a persona's checks against models: `python -m playground test PERSONA --model PROVIDER/MODEL`."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from playground import printed_proof
from playground.config import Problem, wording
from playground.doctor import SECRETS_FILE, read_secrets
from playground.forecast import forecast
from playground.i18n import LANGUAGES, Translator, translator
from playground.keys import endpoint, find_key, mask, well_formed
from playground.limits import Limits, Pace
from playground.personas import Persona, load_personas, personas_folder, read_persona_file, slug_of
from playground.proof import Outcome, Plan, asked, enough, rate
from playground.proof_file import MODELS, QUESTIONS, RUNS, from_json, to_json, to_junit
from playground.providers import PROVIDERS_FILE, ProvidersFile, load_providers
from playground.proving import Proving, Voice, prove
from playground.sources import source_for
from playground.wire import Setup
from playground.writer import Turn

LOOK = 0.5
"""Seconds between two looks at how far it is."""

HELD, BROKEN, UNSURE = 0, 1, 2
"""What the command returns."""


class CannotRun(Exception):
    """Why nothing can be proved, in the reader's words."""


def add_arguments(parser: argparse.ArgumentParser, language: str) -> None:
    """Tell a subcommand's parser what `run` understands; `language` is the default one."""
    parser.add_argument("persona", metavar="PERSONA", help="its name in personas/, or a path")
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="PROVIDER/MODEL",
        dest="models",
        help="may be repeated; PROVIDER alone takes its default model",
    )
    parser.add_argument("--runs", type=_runs, default=5, metavar="N", help="how often a question is asked")
    parser.add_argument(
        "--questions", type=Path, metavar="FILE", help="one a line, '>>' between the turns of a dialogue"
    )
    parser.add_argument("--threshold", type=_share, default=0.8, help="the least share of replies, 0 to 1")
    parser.add_argument("--judge", metavar="PROVIDER/MODEL", help="who runs the checks that ask a model")
    parser.add_argument("--format", choices=("table", "json", "junit"), default="table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the results, as JSON, as they come")
    parser.add_argument("--resume", action="store_true", help="go on from what is in --out")
    parser.add_argument("--language", "--lang", choices=tuple(LANGUAGES), default=language)
    parser.add_argument(
        "--secrets", type=Path, metavar="PATH", default=SECRETS_FILE, help="default: .streamlit/secrets.toml"
    )


def run(
    args: argparse.Namespace,
    environ: Mapping[str, str],
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Ask, judge and print what came of it; no key is printed, whatever a reply holds.

    The exit code is 0 when every check holds in the wanted share of each model's replies, 1 when one does not, and
    2 when that cannot be said: a wrong call, no key, too few replies, or an interruption.
    """
    t, out, err = translator(args.language), out or sys.stdout, err or sys.stderr
    try:
        room = _Room(args, environ, t)
        plan, before = room.plan(), room.before()
        told = forecast(plan, room.voices, room.providers, before, room.judge)
        print(printed_proof.beginning(plan, told, t), file=err)
        proving = prove(plan, room.voices, before, judge=room.judge, hide=room.hide)
        whole = _follow(proving, lambda found: room.keep(plan, found), err)
    except CannotRun as error:
        print(error, file=err)
        return UNSURE
    outcomes = proving.outcomes
    if args.format == "json":
        print(to_json(plan, outcomes), end="", file=out)
    elif args.format == "junit":
        print(to_junit(plan, outcomes, args.threshold, t), end="", file=out)
    else:
        print("\n".join(printed_proof.lines(plan, outcomes, args.threshold, room.providers, t)), file=out)
    if not whole:
        print(t("prove.interrupted", left=proving.left), file=err)
        return UNSURE
    code = _verdict(plan, outcomes, args.threshold)
    if code == UNSURE:
        print(t("prove.too_few"), file=err)
    return code


class _Room:
    """What a call names: the persona, the models with their keys, the file of results."""

    def __init__(self, args: argparse.Namespace, environ: Mapping[str, str], t: Translator) -> None:
        self._args, self._environ, self._t = args, environ, t
        self._limits = Limits()
        self._keys: list[str] = []
        self.providers = self._read_providers()
        self._secrets, broken = read_secrets(args.secrets)
        if broken:
            raise CannotRun(t("doctor.broken_secrets", file=args.secrets.as_posix(), reason=broken))
        self.persona = self._read_persona()
        self.voices = {name: self._voice(name) for name in map(self._named, args.models)}
        self.judge = self._voice(self._named(args.judge)) if args.judge else None

    def plan(self) -> Plan:
        """What is to be asked; raises CannotRun where there is nothing to ask or to judge."""
        checks, t = self.persona.checks, self._t
        if not checks:
            raise CannotRun(t("prove.no_checks", persona=self.persona.name))
        if not self.judge and all(check.asks_model for check in checks):
            raise CannotRun(t("prove.only_rubrics", persona=self.persona.name))
        questions = self.persona.starters
        if file := self._args.questions:
            try:
                questions = asked(file.read_text("utf-8-sig"))
            except (OSError, ValueError) as error:
                raise CannotRun(f"{file.as_posix()}: {_reason(error)}") from None
        if not questions:
            raise CannotRun(t("prove.no_questions", persona=self.persona.name))
        if any(self.hide(question) != question for question in questions):
            raise CannotRun(t("prove.key_in_question"))
        if len(questions) > QUESTIONS or len(self.voices) > MODELS:
            raise CannotRun(t("prove.too_many", questions=QUESTIONS, models=MODELS))
        return Plan(self.persona, questions, tuple(self.voices), self._args.runs)

    def before(self) -> tuple[Outcome, ...]:
        """What an earlier call left in the file; raises CannotRun where that is not gone on from."""
        file: Path | None = self._args.out
        if self._args.resume and file is None:
            raise CannotRun(self._t("prove.resume_what"))
        if file is None or not self._args.resume or not file.exists():
            return ()
        try:
            found = from_json(file.read_bytes(), [self.persona])
        except OSError as error:
            raise CannotRun(f"{file.as_posix()}: {_reason(error)}") from None
        if isinstance(found, str):
            raise CannotRun(f"{file.as_posix()}: {self._t(f'prove.damaged.{found}')}")
        return found[1]

    def keep(self, plan: Plan, outcomes: Sequence[Outcome]) -> None:
        """Write what is known by now, whole or not at all."""
        file: Path | None = self._args.out
        if file is None:
            return
        part = file.with_name(f".{file.name}.part")
        try:
            part.write_text(to_json(plan, outcomes), "utf-8", newline="\n")
            os.replace(part, file)
        except OSError as error:
            raise CannotRun(f"{file.as_posix()}: {_reason(error)}") from None

    def hide(self, text: str) -> str:
        """The text with keys masked."""
        return mask(text, *self._keys)

    def _read_providers(self) -> ProvidersFile:
        path = Path(self._environ.get("PLAYGROUND_PROVIDERS") or PROVIDERS_FILE)
        providers, _ = load_providers(path)
        if providers is None:
            raise CannotRun(self._t("doctor.broken_providers", file=path.as_posix()))
        return providers

    def _read_persona(self) -> Persona:
        name: str = self._args.persona
        path = Path(name)
        if path.is_file():
            persona, problems = read_persona_file(path)
        else:
            shelf = load_personas(personas_folder(self._environ))
            found = {file.slug: file for file in shelf.files}.get(slug_of(path.name))
            if found is None:
                known = ", ".join(shelf.personas)
                raise CannotRun(self._t("prove.unknown_persona", name=name, known=known))
            persona, problems = found.persona, found.problems
        if persona is None:
            raise CannotRun("\n".join([f"✗ {name}", *_problems(problems, self._t)]))
        return persona

    def _named(self, name: str) -> str:
        provider_id, _, model_id = name.partition("/")
        if provider_id not in self.providers.all:
            known = ", ".join(self.providers.all)
            raise CannotRun(self._t("doctor.unknown", name=provider_id, known=known))
        return f"{provider_id}/{model_id or self.providers[provider_id].models.default}"

    def _voice(self, name: str) -> Voice:
        provider_id, _, model_id = name.partition("/")
        provider = self.providers[provider_id]
        key = find_key(provider, "", self._secrets, self._environ)
        if provider.needs_key and (key.origin == "none" or not well_formed(key.value)):
            code = "no_key" if key.origin == "none" else "bad_key_format"
            what = self._t(f"failure.{code}.what", provider=provider.label)
            raise CannotRun(f"{what} ({' / '.join(provider.api_key_env) or provider.secret})")
        if key.origin != "placeholder":
            self._keys.append(key.value)
        model = provider.model(model_id)
        setup = Setup(provider, model, self.providers.quirks(provider, model_id), self.persona)
        source = source_for(provider, model, endpoint(provider, key, self._environ))
        pace = Pace(provider.pace.requests_per_minute, provider.pace.at_once)
        return Voice(
            setup, source, None if pace == Pace() else Turn(self._limits, (provider_id, ""), pace, "")
        )


def _follow(proving: Proving, keep: Callable[[Sequence[Outcome]], None], err: TextIO) -> bool:
    """Wait until it is over, keeping what comes; False when somebody interrupted it."""
    known, whole, total = proving.outcomes, True, sum(1 for _ in proving.plan.cells())
    try:
        while proving.state != "over":
            proving.linger(LOOK)
            if (now := proving.outcomes) != known:
                known = now
                keep(known)
                if err.isatty():
                    print(f"\r{total - proving.left}/{total} ", end="", file=err, flush=True)
    except KeyboardInterrupt:
        whole = False
    finally:
        proving.stop()
        while proving.state != "over":
            proving.linger(LOOK)
    if err.isatty():
        print(file=err)
    keep(proving.outcomes)
    return whole


def _verdict(plan: Plan, outcomes: Sequence[Outcome], threshold: float) -> int:
    places = [(number, model) for model in plan.models for number in range(len(plan.persona.checks))]
    rates = [found for number, model in places if (found := rate(outcomes, number, model)).total]
    if any(found.passed / found.total < threshold for found in rates):
        return BROKEN
    answered = {one.cell.model for one in outcomes if one.verdicts}
    if answered != set(plan.models) or not all(enough(plan, found, threshold) for found in rates):
        return UNSURE
    return HELD


def _problems(problems: Iterable[Problem], t: Translator) -> Iterator[str]:
    for problem in problems:
        what, fix = wording(problem, t)
        line = t("problem_place.line", line=problem.line) if problem.line else ""
        yield f"    {line}{what}"
        yield f"      → {fix}"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _runs(text: str) -> int:
    if 1 <= (number := int(text)) <= RUNS:
        return number
    raise argparse.ArgumentTypeError(f"1 to {RUNS}")


def _share(text: str) -> float:
    if math.isfinite(number := float(text)) and 0 <= number <= 1:
        return number
    raise argparse.ArgumentTypeError("0 to 1")
