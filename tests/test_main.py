"""The command line: what it checks, what it says, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from playground import __main__ as command
from playground.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
GOOD = "name: 王老師\nsystem_prompt: 你是助教\n"
PROVIDERS = "version: 1\nproviders:\n  one:\n    label: One\n    base_url: https://a.tw/v1\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_bytes(text.encode())
    return folder


def report(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[bool, list[str]]]:
    rows = json.loads(capsys.readouterr().out)
    return {Path(row["file"]).name: (row["ok"], [p["code"] for p in row["problems"]]) for row in rows}


def test_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, good=GOOD, typo=GOOD + "tmeperature: 1\n", broken="name: x\n")
    assert main(["check", "--format", "json", str(tmp_path)]) == 1
    assert report(capsys) == {
        "broken.yaml": (False, ["missing"]),
        "good.yaml": (True, []),
        "typo.yaml": (True, ["unknown"]),
    }


def test_warnings_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, typo=GOOD + "tmeperature: 1\n")
    assert main(["check", str(tmp_path / "typo.yaml")]) == 0
    assert main(["check", str(tmp_path / "none.yaml")]) == 1
    assert main(["check", str(tmp_path / "none")]) == 1


def test_json_says_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, broken="name: x\nsystem_prompt：y\n")
    main(["check", "--format", "json", "--language", "zh-TW", str(tmp_path / "broken.yaml")])
    (row,) = json.loads(capsys.readouterr().out)
    (problem,) = row["problems"]
    assert {k: problem[k] for k in ("level", "code", "line", "column")} == {
        "level": "error",
        "code": "fw_colon",
        "line": 2,
        "column": 14,
    }
    assert "全形" in problem["message"]
    assert "system_prompt" in problem["fix"]


@pytest.mark.parametrize(("language", "word"), [("en", "Line 2"), ("zh-TW", "第 2 行")])
def test_text_names_file_line_and_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, word: str
) -> None:
    write(tmp_path, good=GOOD, broken="name: x\nsystem_prompt:y\n")
    assert main(["check", "--language", language, str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "broken.yaml" in told
    assert word in told
    assert "→" in told
    assert "system_prompt: y" in told


def test_language_of_the_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, good=GOOD)
    main(["check", str(tmp_path)], {"LC_ALL": "zh_TW.UTF-8"})
    assert "沒問題" in capsys.readouterr().out
    main(["check", str(tmp_path)], {"LANG": "en_GB.UTF-8"})
    assert "fine" in capsys.readouterr().out


def test_providers_are_read_as_providers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, providers=PROVIDERS, mine=PROVIDERS + "    lable: x\n", good=GOOD)
    assert main(["check", "--format", "json", str(tmp_path)]) == 0
    assert report(capsys) == {
        "good.yaml": (True, []),
        "mine.yaml": (True, ["unknown"]),
        "providers.yaml": (True, []),
    }


def test_places_from_the_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "personas").mkdir()
    write(tmp_path / "personas", good=GOOD)
    write(tmp_path, other=PROVIDERS)
    places = {
        "PLAYGROUND_PERSONAS": str(tmp_path / "personas"),
        "PLAYGROUND_PROVIDERS": str(tmp_path / "other.yaml"),
    }
    assert main(["check", "--format", "json"], places) == 0
    assert report(capsys) == {"good.yaml": (True, []), "other.yaml": (True, [])}


def test_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, broken="name：王老師\r\nsystem_prompt:你是助教\r\n", good=GOOD, hopeless="name: 'x\n")
    assert main(["check", "--fix", "--format", "json", str(tmp_path)]) == 1
    assert report(capsys) == {
        "broken.yaml": (True, []),
        "good.yaml": (True, []),
        "hopeless.yaml": (False, ["quote_open"]),
    }
    assert (tmp_path / "broken.yaml").read_bytes().decode() == GOOD.replace("\n", "\r\n")
    assert (tmp_path / "good.yaml").read_bytes().decode() == GOOD


def test_fix_of_a_file_with_two_names(tmp_path: Path) -> None:
    write(tmp_path, one="name：王老師\nsystem_prompt: 你是助教\n")
    (tmp_path / "two.yaml").symlink_to("one.yaml")
    assert main(["check", "--fix", str(tmp_path)]) == 0
    assert (tmp_path / "one.yaml").read_bytes().decode() == GOOD


@pytest.mark.parametrize("argv", [[], ["chekc"], ["check", "--format", "xml"], ["check", "--language", "fr"]])
def test_wrong_calls(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2


def test_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    monkeypatch.setattr(command, "SCHEMA_FILE", tmp_path / "schema.json")
    assert main(["schema", "--write"]) == 0
    assert (tmp_path / "schema.json").read_text("utf-8") == printed
    assert json.loads(printed)["title"] == "Persona"


@pytest.mark.parametrize("encoding", ["cp1252", "cp950", "ascii"])
def test_a_pipe_gets_utf8(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, 王老師=GOOD)
    done = subprocess.run(
        [sys.executable, "-m", "playground", "check", "--language", "zh-TW", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "王老師.yaml" in done.stdout.decode("utf-8")


def test_what_is_shipped_is_faultless(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--format", "json"], {}) == 0
    assert [name for name, (_, codes) in report(capsys).items() if codes] == []
