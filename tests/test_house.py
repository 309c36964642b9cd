"""The rules of the house: who may import whom, how long a file may be, what no page may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit import config

from playground import archive, proof_file
from tests.tables import table

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "playground"
SCREEN = [ROOT / "streamlit_app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "ui").glob("*.py")]
CODE = [*CORE.glob("*.py"), *SCREEN, *(ROOT / "tests").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]

# What runs text as code; and what Streamlit draws as it is, HTML and the insides of objects.
RUNS = {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "eval", "exec"}
RAW = {"html", "iframe", "v1", "write", "write_stream", "exception"}

# Who may import whom inside playground/: a module knows what stands before it, and nothing else.
MAY_IMPORT: dict[str, set[str]] = {
    "messages": set(),
    "i18n": set(),
    "yaml_text": set(),
    "yaml_slips": {"yaml_text"},
    "yaml_shapes": {"yaml_slips"},
    "yaml_tree": {"yaml_text", "yaml_slips"},
    "yaml_record": {"yaml_shapes", "yaml_slips", "yaml_text", "yaml_tree"},
    "config": {"i18n", "yaml_record", "yaml_shapes", "yaml_slips", "yaml_text", "yaml_tree"},
    "reading": set(),
    "language": {"reading"},
    "refusals": {"language", "reading"},
    "rules": {"language", "reading", "refusals"},
    "checks": {"language", "reading", "refusals", "rules"},
    "personas": {"config", "checks"},
    "persona_text": {"config", "personas"},
    "card_file": {"config", "persona_text", "personas", "yaml_slips", "yaml_text"},
    "cards": {"card_file", "config", "persona_text", "personas", "yaml_text"},
    "share": {"config", "persona_text", "personas"},
    "providers": {"config"},
    "keys": {"providers"},
    "wire": {"messages", "personas", "providers"},
    "weights": set(),
    "download": {"weights"},
    "engine": set(),
    "folders": set(),
    "embedded": {"weights", "download", "engine", "folders"},
    "line": set(),
    "gate": {"keys", "line"},
    "events": set(),
    "failures": {"events", "keys", "line", "messages", "providers"},
    "client": {"events", "failures", "gate", "keys", "line", "messages", "providers", "usage"},
    "limits": {"messages"},
    "sent": {"line", "messages", "wire"},
    "warming": {"client"},
    "reply": {"client", "limits", "line", "messages", "sent", "usage", "wire"},
    "compare": {"messages", "reply"},
    "difference": set(),
    "ledger": {"messages", "usage"},
    "classroom": {"ledger", "messages", "reply", "usage", "wire"},
    "writer": {"classroom", "client", "failures", "keys", "limits", "line", "messages", "reply", "usage"}
    | {"wire"},
    "rubric": {"checks", "messages", "personas", "reply", "rules", "wire", "writer"},
    "yaml_edit": {"yaml_slips"},
    "saving": {"personas"},
    "drafts": {"config", "messages", "personas", "reply", "yaml_edit", "yaml_text"},
    "snippets": {"i18n", "keys", "wire"},
    "notebook": {"i18n", "snippets"},
    "printed": set(),
    "exports": {"archive", "checks", "i18n", "keys", "messages", "notebook", "personas", "printed"}
    | {"snippets", "wire"},
    "bundle": {"archive", "config", "exports", "i18n", "keys", "personas"},
    "owners": set(),
    "care": set(),
    "turns": set(),
    "database": {"folders", "turns"},
    "votes": {"database"},
    "store": {"database", "messages", "owners", "votes"},
    "archive": {"messages"},
    "lesson": {"keys", "messages", "providers", "sent", "snippets", "wire"},
    "recorded": {"keys", "lesson"},
    "sources": {"embedded", "failures", "keys", "line", "providers", "recorded", "writer"},
    "usage": {"messages", "providers"},
    "live_models": {"events", "failures", "gate", "keys", "line", "messages", "providers"},
    "catalogue": {"failures", "keys", "line", "live_models", "messages", "providers"},
    "checkup": {"catalogue", "client", "failures", "keys", "line", "live_models", "messages", "providers"}
    | {"reply", "sources", "usage", "wire", "writer"},
    "doctor": {"checkup", "events", "i18n", "keys", "personas", "providers"},
    "proof": {"checks", "messages", "personas"},
    "proving": {"checks", "failures", "messages", "proof", "reply", "rubric", "wire", "writer"},
    "forecast": {"messages", "proof", "providers", "proving", "usage", "wire"},
    "proof_file": {"checks", "events", "i18n", "messages", "personas", "proof"},
    "printed_proof": {"checks", "events", "forecast", "i18n", "proof", "proof_file", "providers", "usage"},
    "prove_command": {
        "config",
        "doctor",
        "forecast",
        "i18n",
        "keys",
        "limits",
        "personas",
        "printed_proof",
        "proof",
    }
    | {"proof_file", "providers", "proving", "sources", "wire", "writer"},
    "__main__": {"config", "doctor", "i18n", "personas", "providers", "prove_command"},
}


def imports(path: Path) -> set[str]:
    """Every module a file imports, wherever in the file."""
    return imported(ast.parse(path.read_text("utf-8")))


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def dangers(source: str, screen: bool = True) -> list[str]:
    """What a module does that none may; `screen` says whether it draws, where `write` is not a file's."""
    tree = ast.parse(source)
    found = [name for name in imported(tree) if name.startswith("streamlit.") and RAW & {*name.split(".")}]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            more = len(node.args) > 1 or any(isinstance(one, ast.Starred) for one in node.args)
            if name in RUNS or (more and name.split(".")[-1] in ("markdown", "caption")):
                found.append(name)
            found += [str(k.arg) for k in node.keywords if (k.arg or "").startswith("unsafe_")]
        elif isinstance(node, ast.Constant) and str(node.value).startswith("unsafe_"):
            found.append(str(node.value))
    if screen:
        asked = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call) and not n.args}
        drawn = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in RAW]
        found += [ast.unparse(n) for n in drawn if n.attr != "exception" or id(n) not in asked]
    return found


@table("path", list(CORE.glob("*.py")))
def test_import_table(path: Path) -> None:
    if path.stem == "__init__":
        return
    inside = {n.split(".")[1] for n in imports(path) if n.startswith("playground.") and n.count(".") >= 1}
    inside &= {p.stem for p in CORE.glob("*.py")}
    assert inside <= MAY_IMPORT[path.stem] | {path.stem}


def test_core_knows_no_streamlit() -> None:
    assert [p.name for p in CORE.glob("*.py") if roots(p) & {"streamlit", "ui", "pages"}] == []


def test_one_module_imports_openai() -> None:
    assert [p.name for p in (*CORE.glob("*.py"), *SCREEN) if "openai" in roots(p)] == ["client.py"]


def test_one_module_touches_session_state() -> None:
    assert [p.name for p in SCREEN if "session_state" in p.read_text("utf-8")] == ["session.py"]


def test_pages_never_import_each_other() -> None:
    pages = {p.stem for p in (ROOT / "pages").glob("*.py")}
    for path in [ROOT / "streamlit_app.py", *(ROOT / "pages").glob("*.py")]:
        assert not imports(path) & {f"pages.{name}" for name in pages}
        assert "streamlit_app" not in roots(path)


def test_every_page_opens_the_same_way() -> None:
    for path in [ROOT / "streamlit_app.py", *(ROOT / "pages").glob("*.py")]:
        body = [
            n
            for n in ast.parse(path.read_text("utf-8")).body
            if not isinstance(n, (ast.Import, ast.ImportFrom))
        ]
        # Nothing stands before or behind what an error would be caught by.
        _, whole = body
        assert ast.unparse(whole).startswith("with open_page("), path.name
        assert len(path.read_text("utf-8").splitlines()) <= 60, path.name


def test_no_provider_is_named_in_code() -> None:
    """A difference between providers is data in providers.yaml."""
    import yaml

    names = set(yaml.safe_load((ROOT / "providers.yaml").read_text("utf-8"))["providers"])
    for path in [*CORE.glob("*.py"), *SCREEN]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare):
                told = {
                    c.value
                    for c in ast.walk(node)
                    if isinstance(c, ast.Constant) and isinstance(c.value, str)
                }
                assert not told & names, f"{path.name}:{node.lineno}"


def test_nothing_dangerous_is_called() -> None:
    found = {
        path.name: dangers(path.read_text("utf-8"), path in SCREEN) for path in [*CORE.glob("*.py"), *SCREEN]
    }
    assert {name: what for name, what in found.items() if what} == {}


@table(
    "source, refused",
    [
        ("st.html(x)", True),
        ("import streamlit.components.v1 as v1; v1.html(x)", True),
        ("from streamlit.components import v1", True),
        ("from streamlit.components.v1 import declare_component", True),
        ("st.components.v1.declare_component('x', url=y)", True),
        ("st.iframe(x)", True),
        ("from streamlit import html; html(x)", True),
        ("st.markdown(x, True)", True),
        ("place.caption(x, True)", True),
        ("st.markdown(*x)", True),
        ("st.markdown(x, unsafe_allow_html=True)", True),
        ("st.markdown(x, **{'unsafe_allow_html': True})", True),
        ("st.sidebar.write(client)", True),
        ("show = st.write", True),
        ("left.write_stream(x)", True),
        ("st.exception(error)", True),
        ("yaml.load(x)", True),
        ("eval(x)", True),
        ("st.markdown(safe(x), anchors=False)", False),
        ("place.caption(x, help=y)", False),
        ("future.exception() is not None", False),
        ("st.components.v2.component('x', html=y)", False),
        ("yaml.safe_load(x)", False),
        ("path.write_text(x)", False),
    ],
)
def test_what_is_dangerous(source: str, refused: bool) -> None:
    assert bool(dangers(source)) is refused


def test_what_draws_nothing_may_write_files() -> None:
    assert dangers("file.write(x); log.exception(x)", screen=False) == []


def test_no_file_holds_two_ideas() -> None:
    assert {p.name: n for p in CODE if (n := len(p.read_text("utf-8").splitlines())) > 320} == {}


def test_server_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the visitor's browser and the network may see of the server, as Streamlit reads it."""
    monkeypatch.chdir(ROOT)
    config.get_config_options(force_reparse=True)
    wanted = {
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "server.maxUploadSize": 25,
        "server.enableStaticServing": False,
        "server.showEmailPrompt": False,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.enableAgentApi": False,
        "server.trustedUserHeaders": {},
        "server.disconnectedSessionTTL": 120,
        "server.enableWebsocketCompression": True,
        "browser.gatherUsageStats": False,
    }
    assert {name: config.get_option(name) for name in wanted} == wanted
    assert max(archive.BYTES, proof_file.BYTES) <= 25 * 1024**2


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["pyrefly", "check", "--python-interpreter-path", sys.executable],
    ],
    ids=lambda command: f"{command[0]} {command[1]}",
)
def test_linters(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
