"""What a process remembers from one visitor to the next: all of it is named here, with the reason why it may."""

from __future__ import annotations

import ast
from importlib import import_module

from tests.tables import table
from tests.test_house import ROOT

ONCE = "made once, from nothing that a visitor said"
FILES = "what a file of the operator holds, by its name and its time"
WHILE = "only as long as something else holds it"
REMEMBERED = {
    "playground.catalogue.shared": "the lists of models, each for one provider, address and key",
    "playground.checks._value_of": ONCE,
    "playground.download._sha256": "the sums of files that were fetched",
    "playground.embedded._models": "the models that run on this machine",
    "playground.gate.gate": ONCE,
    "playground.i18n.locale": ONCE,
    "playground.language._form": "single characters",
    "playground.ledger._zone": ONCE,
    "playground.lesson._known": WHILE,
    "playground.line._open": "numbers of the lines that are open now",
    "playground.line.current": "the line of a thread, as long as it is open",
    "playground.providers._remembered": "what providers.yaml says of the models that were asked for last",
    "playground.recorded._player": ONCE,
    "playground.store._keep": ONCE,
    "playground.store._put": ONCE,
    "playground.warming._thread": ONCE,
    "playground.yaml_shapes.names": ONCE,
    "ui.backends._pool": ONCE,
    "ui.chats._tries": "times of guesses, and not what was guessed",
    "ui.growing._watching": "numbers of the replies that are watched now",
    "ui.keeping._writing": WHILE,
    "ui.keeping.store": "the way to the database",
    "ui.library._joined": "the providers with a lesson; of visitors' own ones the latest 16",
    "ui.library._known": FILES,
    "ui.library._last_good": FILES,
    "ui.library._lesson": FILES,
    "ui.library._names": FILES,
    "ui.library._read": FILES,
    "ui.library._usual": FILES,
    "ui.prove_desk._left": "the latest proofs, each found again by its owner alone",
    "ui.session._log_broken": "where a slip in the secrets was that the log has told",
    "ui.shared.classroom": "counts of the class, and the replies that are under way",
    "ui.shared.compared": "the latest comparisons, each found again by its owner alone",
    "ui.shared.door": "who guessed how often, and who came in; not what was guessed",
    "ui.shared.limits": "who waits for which key, as long as the queue lasts",
    "ui.writing._given": WHILE,
}
"""What is no visitor's word, or ends with the visit, or is its owner's alone; and why it is kept."""

WORDS = {
    "playground.reading.tidy": 16,
    "playground.usage._catalogue": 1024,
    "ui.chat.is_drawn": 256,
    "ui.compare_prompts._difference": 64,
    "ui.markdown.safe_again": 256,
    "ui.verdicts.judged": 512,
}
"""What visitors write and read again at every run, or chose; and for how many of them it is kept at most."""

CACHES = {"cache", "lru_cache", "cache_data", "cache_resource"}
EMPTY = {"dict", "list", "set", "Counter", "OrderedDict"}
EMPTY |= {"WeakKeyDictionary", "WeakSet", "WeakValueDictionary"}
GROWING = {"defaultdict", "deque", "ContextVar", "Queue", "SimpleQueue"}
CHANGES = {"add", "append", "appendleft", "extend", "insert", "setdefault", "update", "pop", "clear"}


def last(node: ast.AST) -> str:
    """The name of what is called or named, without what stands before its last dot."""
    while isinstance(node, ast.Call):
        node = node.func
    return getattr(node, "attr", getattr(node, "id", ""))


def caches(tree: ast.AST) -> bool:
    """Whether a cache is made in it, or around it."""
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return bool(CACHES & {last(one) for one in (*made, *getattr(tree, "decorator_list", ()))})


def begins_empty(value: ast.AST) -> bool:
    if isinstance(value, ast.Call):
        return last(value) in GROWING or (last(value) in EMPTY and not value.args and not value.keywords)
    return ast.unparse(value) in ("{}", "[]")


def remembered(source: str) -> set[str]:
    """The functions of a module that keep what they gave, and its own collections that begin empty or change."""
    tree = ast.parse(source)
    defined = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = {one.name for one in defined if caches(one)}
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            told = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            names |= told
            found |= told if begins_empty(node.value) or caches(node.value) else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found |= {*node.names}
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found |= names & {last(node.value)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and last(node) in CHANGES:
            found |= names & {last(node.func.value)}
    return found


def test_what_is_remembered_is_named() -> None:
    files = [path for folder in ("playground", "ui") for path in (ROOT / folder).glob("*.py")]
    found = {
        f"{path.parent.name}.{path.stem}.{name}"
        for path in files
        for name in remembered(path.read_text("utf-8"))
    }
    assert found == {*REMEMBERED, *WORDS}


@table("name, most", WORDS.items())
def test_of_words_only_the_latest_are_remembered(name: str, most: int) -> None:
    module, _, function = name.rpartition(".")
    kept = getattr(import_module(module), function).cache_parameters()["maxsize"]
    assert kept is not None
    assert kept <= most


@table(
    "source, names",
    [
        ("_SEEN: dict[str, str] = {}", {"_SEEN"}),
        ("_SEEN = []", {"_SEEN"}),
        ("_SEEN = set()", {"_SEEN"}),
        ("_SEEN = collections.deque(maxlen=5)", {"_SEEN"}),
        ("_SEEN = defaultdict(list)", {"_SEEN"}),
        ("SEEN = {'a': 1}\ndef f(x): SEEN[x] = 2", {"SEEN"}),
        ("SEEN = ['a']\ndef f(x): SEEN.append(x)", {"SEEN"}),
        ("SEEN = ''\ndef f(x):\n global SEEN\n SEEN = x", {"SEEN"}),
        ("@cache\ndef f(x): return x", {"f"}),
        ("@functools.lru_cache(maxsize=9)\ndef f(x): return x", {"f"}),
        ("@st.cache_data\ndef f(x): return x", {"f"}),
        ("f = lru_cache(len)", {"f"}),
        ("class A:\n def f(self): return lru_cache(len)", {"f"}),
        ("CODES = {'a': 1}\ndef f(x): return CODES[x]", set()),
        ("NAMES = {'a'} | {'b'}\ndef f(x): return x in NAMES", set()),
        ("def f(x):\n seen = {}\n seen[x] = 1", set()),
    ],
)
def test_what_remembers(source: str, names: set[str]) -> None:
    assert remembered(source) == names
