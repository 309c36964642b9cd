"""The hand-in bundle: what is in it, that it opens again, and that no zip can do harm."""

from __future__ import annotations

import json
import stat
import struct
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import nbformat
import pytest

from playground import __version__
from playground.archive import from_archive
from playground.bundle import BYTES, FILES, NAMES, from_bundle, to_bundle
from playground.exports import Transcript, to_transcript
from playground.i18n import LANGUAGES, translator
from playground.messages import Conversation, Failure, Message, ReplyInfo, Usage
from playground.persona_text import persona_yaml
from playground.personas import load_personas, read_persona
from playground.providers import load_providers
from playground.wire import Setup
from tests.conftest import ROOT
from tests.tables import table

KEY = "sk-sentinel-0123456789abcdef"
OTHER = "unusual-key-of-a-school-server"
VICKY = load_personas(ROOT / "personas").personas["lucky-vicky"]
FILE, _ = load_providers()
WHEN = datetime.fromisoformat("2026-11-22T10:00:00+08:00")
LINK = "https://play.example/?share=abc"
SAID = (
    Conversation.opening("Hi!")
    .say("I missed my bus")
    .answered(
        Message(
            "assistant",
            "I missed my bus. Totally Lucky Vicky!",
            info=ReplyInfo("builtin", "smollm2-135m", "stop", 1.5, usage=Usage(9, 8)),
        )
    )
)
SAID = SAID.say("And now?").answered(
    Message("assistant", "Go away", info=ReplyInfo("builtin", "smollm2-135m", "stop", 1))
)
SAID = SAID.say("Hello?").answered(
    Message(
        "assistant", "", info=ReplyInfo("builtin", "smollm2-135m", "failed", 0, failure=Failure("timeout"))
    )
)


def transcript(said: Conversation = SAID, language: str = "en") -> Transcript:
    assert FILE
    provider = FILE["builtin"]
    model = provider.model("smollm2-135m")
    setup = Setup(provider, model, FILE.quirks(provider, model.id), VICKY, temperature=0.5)
    return to_transcript(setup, said, when=WHEN, language=language, labels={}, slug="lucky-vicky")


def bundle(text: str = "", said: Conversation = SAID, language: str = "en") -> bytes:
    made = to_bundle(
        transcript(said, language),
        VICKY,
        text or persona_yaml(VICKY),
        translator(language),
        KEY,
        OTHER,
        link=LINK,
    )
    assert made.name == "lucky-vicky-2026-11-22.zip"
    return made.content


def files(raw: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(raw)) as whole:
        assert whole.testzip() is None
        return {name: whole.read(name) for name in whole.namelist()}


GOOD = bundle()


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_in_it(language: str) -> None:
    inside = files(bundle(language=language))
    assert list(inside) == sorted(NAMES)
    persona, problems = read_persona(inside["persona.yaml"].decode())
    assert (persona, problems) == (VICKY, ())
    chats, damage = from_archive(inside["dialogue.json"])
    assert damage is None
    assert [chat.conversation for chat in chats] == [SAID]
    settings = json.loads(inside["settings.json"])
    assert (settings["version"], settings["provider"], settings["model"]) == (
        __version__,
        "builtin",
        "smollm2-135m",
    )
    assert settings["parameters"]["temperature"] == 0.5
    assert settings["parameters"]["max_tokens"] == 80
    assert settings["written"] == "2026-11-22T10:00:00+08:00"
    assert [one["ended"] for one in settings["replies"]] == ["stop", "stop", "failed"]
    nbformat.validate(nbformat.reads(inside["notebook.ipynb"].decode(), as_version=4))  # type: ignore[no-untyped-call]
    form = inside["declaration.md"].decode()
    assert LINK in form
    assert form.count("________") > 10
    assert "smollm2-135m" in form
    assert "I missed my bus" in inside["dialogue.md"].decode()


def test_the_checks_are_run_on_every_reply() -> None:
    inside = files(GOOD)
    found = json.loads(inside["checks.json"])
    assert [(one["message"], [check["passed"] for check in one["checks"]]) for one in found] == [
        (3, [True, True, True, True]),
        (5, [False, False, True, True]),
    ]
    told = inside["checks.md"].decode()
    assert "Held: 6. Not held: 2. Left open: 0." in told
    assert "✗ expected: must end with" in told
    assert "✗ expected: must end with" in inside["dialogue.md"].decode()


def test_the_same_gives_the_same_bytes() -> None:
    assert bundle() == GOOD
    with ZipFile(BytesIO(GOOD)) as whole:
        assert {one.date_time for one in whole.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {stat.filemode(one.external_attr >> 16) for one in whole.infolist()} == {"-rw-r--r--"}


def test_the_text_is_what_somebody_wrote() -> None:
    text = f"# my own words\n{persona_yaml(VICKY)}"
    assert files(bundle(text))["persona.yaml"].decode() == text


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_no_key_is_in_it(key: str) -> None:
    said = (
        Conversation()
        .say(f"my key {key}")
        .answered(
            Message("assistant", f"Your key {key}!", f"hm {key}", info=ReplyInfo("builtin", key, "stop", 1))
        )
    )
    text = persona_yaml(VICKY) + f"# {key}\n"
    inside = files(bundle(text, said))
    assert len(inside) == len(NAMES)
    for name, content in inside.items():
        assert key.encode() not in content, name


def test_without_a_persona_it_is_smaller() -> None:
    made = to_bundle(replace(transcript(), persona="", slug="", system_prompt=""), None, "", translator("en"))
    assert set(files(made.content)) == NAMES - {"persona.yaml", "checks.json", "checks.md"}
    found, refusal = from_bundle(made.content)
    assert refusal is None
    assert found
    assert found.persona == ""


def test_it_opens_again() -> None:
    found, refusal = from_bundle(GOOD)
    assert refusal is None
    assert found
    assert [chat.conversation for chat in found.chats] == [SAID]
    assert found.persona == persona_yaml(VICKY)
    with_pictures = zipped(**{"screenshots/": b"", "screenshots/my first (1).PNG": b"x"})
    assert from_bundle(with_pictures)[0] == found


def test_it_opens_again_when_it_was_packed_anew() -> None:
    out = BytesIO()
    with ZipFile(out, "w") as whole:
        whole.mkdir("my homework")
        for name, content in files(GOOD).items():
            whole.writestr(f"my homework/{name}", content)
            whole.writestr(f"__MACOSX/my homework/._{name}", b"x")
        whole.writestr("my homework/.DS_Store", b"x")
        whole.writestr("my homework/screenshots/1.png", b"x")
        whole.writestr("my homework/declaration.docx", b"x")
    assert from_bundle(out.getvalue()) == from_bundle(GOOD)


def zipped(change: Callable[[ZipInfo], None] = lambda one: None, **more: bytes) -> bytes:
    """A good bundle with files more or changed, and `change` made to each member that is not as it was."""
    out = BytesIO()
    with ZipFile(out, "w") as whole:
        for name, content in {**files(GOOD), **more}.items():
            member = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = ZIP_DEFLATED
            if name in more:
                change(member)
            whole.writestr(member, content)
    return out.getvalue()


def around(folder: str) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w") as whole:
        for name, content in files(GOOD).items():
            whole.writestr(folder + name, content)
    return out.getvalue()


def without(name: str) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w") as whole:
        for one, content in files(GOOD).items():
            if one != name:
                whole.writestr(one, content)
    return out.getvalue()


def linked(member: ZipInfo) -> None:
    member.external_attr = (stat.S_IFLNK | 0o777) << 16


def packed(member: ZipInfo) -> None:
    member.compress_type = ZIP_BZIP2


def twice() -> bytes:
    out = BytesIO(GOOD)
    with pytest.warns(UserWarning, match="Duplicate"), ZipFile(out, "a") as whole:
        whole.writestr("persona.yaml", b"name: x")
    return out.getvalue()


def patched(raw: bytes, name: str, at: int, form: str, value: int) -> bytes:
    """The zip with a number changed in the central directory's record of one file."""
    place = raw.rindex(name.encode()) - 46
    assert raw[place : place + 4] == b"PK\x01\x02"
    new = bytearray(raw)
    struct.pack_into(form, new, place + at, value)
    return bytes(new)


def lying() -> bytes:
    """A file that claims to be small and inflates to far more than is ever read."""
    raw = zipped(**{"persona.yaml": b"a" * 50_000_000})
    return patched(raw, "persona.yaml", 24, "<I", 1000)


def beyond() -> bytes:
    """A file that begins at a place which no number of the system can hold."""

    def far(member: ZipInfo) -> None:
        member.extra = struct.pack("<HHQ", 1, 8, 2**64 - 1)

    return patched(zipped(far, **{"persona.yaml": b"x"}), "persona.yaml", 42, "<I", 2**32 - 1)


HOSTILE: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "nothing": (lambda: b"", "no_zip", ""),
    "text": (lambda: b"name: Vicky", "no_zip", ""),
    "large": (lambda: b"PK" + b" " * BYTES, "too_large", ""),
    "cut": (lambda: GOOD[: len(GOOD) // 2], "damaged", ""),
    "flipped": (lambda: GOOD.replace(b"PK\x01\x02", b"PK\x01\x03"), "damaged", ""),
    "parent": (lambda: zipped(**{"../persona.yaml": b"x"}), "foreign", "../persona.yaml"),
    "all in the parent": (lambda: around("../"), "foreign", "../checks.json"),
    "root": (lambda: zipped(**{"/etc/passwd": b"x"}), "foreign", "/etc/passwd"),
    "windows": (lambda: zipped(**{"screenshots\\..\\a.png": b"x"}), "foreign", "screenshots\\..\\a.png"),
    "up from pictures": (
        lambda: zipped(**{"screenshots/../../a.png": b"x"}),
        "foreign",
        "screenshots/../../a.png",
    ),
    "program": (lambda: zipped(**{"screenshots/a.exe": b"x"}), "foreign", "screenshots/a.exe"),
    "stranger": (lambda: zipped(**{"homework.docx": b"x"}), "foreign", "homework.docx"),
    "long name": (lambda: zipped(**{"x" * 500: b"x"}), "foreign", "x" * 80),
    "link": (lambda: zipped(linked, **{"persona.yaml": b"/etc/passwd"}), "foreign", "persona.yaml"),
    "many": (lambda: zipped(**{f"screenshots/{n}.png": b"" for n in range(FILES)}), "too_many", ""),
    "twice": (twice, "twice", "persona.yaml"),
    "bomb": (lambda: zipped(**{"notebook.ipynb": b"a" * (BYTES + 1)}), "too_big", "notebook.ipynb"),
    "many bombs": (lambda: zipped(**{f"screenshots/{n}.png": b"a" * BYTES for n in range(3)}), "too_big", ""),
    "lying bomb": (lying, "damaged", ""),
    "beyond": (beyond, "damaged", ""),
    "odd packing": (lambda: zipped(packed, **{"persona.yaml": b"x"}), "damaged", "persona.yaml"),
    "encrypted": (lambda: patched(GOOD, "persona.yaml", 8, "<H", 1), "encrypted", "persona.yaml"),
    "no dialogue": (lambda: without("dialogue.json"), "no_dialogue", ""),
    "broken dialogue": (lambda: zipped(**{"dialogue.json": b"{}"}), "dialogue", "dialogue.json"),
    "long persona": (lambda: zipped(**{"persona.yaml": b"#" * 70_000}), "too_big", "persona.yaml"),
    "persona of bytes": (lambda: zipped(**{"persona.yaml": b"\xff\xfe\xfa"}), "damaged", "persona.yaml"),
}


@table("name", HOSTILE)
def test_a_hostile_zip_is_refused(name: str) -> None:
    make, code, file = HOSTILE[name]
    found, refusal = from_bundle(make())
    assert found is None
    assert refusal
    assert (refusal.code, refusal.file) == (code, file)
    for language in LANGUAGES:
        assert translator(language)(f"bundle.refused.{code}", file=file)


def test_a_lying_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    raw = lying()
    tracemalloc.start()
    from_bundle(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_the_version_is_the_project_s() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert told["project"]["version"] == __version__
