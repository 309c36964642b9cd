"""A persona that is being written: its text, the way back from every change, and the dialogue it is tried in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from playground.config import Problem, applied
from playground.messages import Conversation
from playground.personas import Persona, read_persona, repaired_persona
from playground.reply import Reply
from playground.yaml_edit import same_start, with_value
from playground.yaml_text import Refused, as_text

FIELDS = ("name", "avatar", "description", "greeting", "system_prompt", "starters")
"""What can be edited without seeing any YAML."""

ORDER = (
    *("name", "avatar", "description", "language", "tags", "greeting", "system_prompt", "starters"),
    *("examples", "reminder", "temperature", "top_p", "max_tokens", "model", "checks"),
)
"""The order in which a file reads best; a field that was not there goes to its place in it."""

MAX_TEXT = 80 * 1024
"""Characters of a draft that are kept, more than a persona may have."""
MAX_STEPS = 20

Value = str | tuple[str, ...]


@dataclass
class Trial:
    """The small dialogue in which a draft is tried."""

    conversation: Conversation = field(default_factory=Conversation)
    reply: Reply | None = None
    answered: Reply | None = None
    """The reply to the last question, once it has ended."""
    waiting: list[str] = field(default_factory=list)
    """Questions that are asked in turn, when the page is drawn and nothing is being written."""
    greeting: str = ""

    def greet(self, greeting: str) -> None:
        """Begin anew when the persona greets in other words than before."""
        if greeting != self.greeting:
            self.start_over(greeting)

    def start_over(self, greeting: str) -> None:
        """Forget what was said."""
        if self.reply:
            self.reply.stop()
            self.waiting.clear()
        self.reply = self.answered = None
        self.greeting, self.conversation = greeting, Conversation.opening(greeting)

    def settle(self) -> None:
        """Let a reply that has ended join the dialogue."""
        if self.reply and self.reply.done:
            self.conversation = self.conversation.answered(self.reply.message())
            self.reply, self.answered = None, self.reply


@dataclass
class Draft:
    """A persona's YAML as somebody writes it, in an editor of its own pace.

    The page counts its own changes in `revision`, so that what was typed before one of them arrived is told from
    what was typed after; the editor numbers what it sends, and `heard` is the last of it.
    """

    text: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    revision: int = 0
    heard: int = 0
    trial: Trial = field(default_factory=Trial)
    refused: dict[str, tuple[Value, tuple[Problem, ...]]] = field(default_factory=dict)
    """What a field holds that no persona may hold, and why; the text has the last value that was right."""
    past: list[tuple[str, str]] = field(default_factory=list)
    """The page's changes, each as the text before and after it."""
    future: list[tuple[str, str]] = field(default_factory=list)
    last_good: Persona | None = None
    file: str = ""
    """What it was last saved as."""
    saved: str = ""
    """The text that was saved."""
    _read: tuple[str, Persona | None, tuple[Problem, ...], bool] | None = None

    @property
    def untouched(self) -> bool:
        """Whether nobody has changed anything yet."""
        return not (self.heard or self.past or self.future)

    @property
    def persona(self) -> Persona | None:
        """The persona, or None while something is wrong."""
        return self._reading()[1]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, or should be told."""
        return self._reading()[2]

    @property
    def more_to_fix(self) -> bool:
        """Whether more than one repair is certain; the one that is known may uncover the next."""
        return self._reading()[3]

    def _reading(self) -> tuple[str, Persona | None, tuple[Problem, ...], bool]:
        if self._read is None or self._read[0] != self.text:
            persona, problems = read_persona(self.text)
            self._read = (self.text, persona, problems, _more_to_fix(self.text, problems))
            self.last_good = persona or self.last_good
        return self._read

    def typed(self, sent: Mapping[str, object]) -> None:
        """Take what the editor sent, unless it was typed before a change that the editor has yet to see."""
        text, number = sent.get("text"), sent.get("number")
        fits = (sent.get("id"), sent.get("revision")) == (self.id, self.revision)
        if fits and isinstance(text, str) and isinstance(number, int) and number > self.heard:
            self.heard = number
            self.text = text[:MAX_TEXT]
            self.refused.clear()

    def put(self, text: str) -> None:
        """Replace the text by a change of the page's own, from which there is a way back."""
        if text != self.text:
            self.past = [*self.past, (self.text, text)][-MAX_STEPS:]
            self.future.clear()
            self._show(text)

    def begin_anew(self, text: str) -> None:
        """Replace the text by another persona's, which no file of this one's is saved over."""
        self.put(text)
        self.file = self.saved = ""

    def undo(self) -> None:
        """Take the page's last change back, and nothing of what was typed since unless it is in the same place."""
        if self.past:
            self.future.append(self._take_back(*self.past.pop()))

    def redo(self) -> None:
        """Take the last `undo` back."""
        if self.future:
            self.past.append(self._take_back(*self.future.pop()))

    def _take_back(self, before: str, after: str) -> tuple[str, str]:
        now, then = self.text, without_change(before, after, self.text)
        self._show(then)
        return now, then

    def begin_with(self, text: str) -> None:
        """Let an untouched draft begin with another text."""
        if self.untouched and text != self.text:
            self._show(text)

    def _show(self, text: str) -> None:
        self.text = text
        self.revision += 1
        self.refused.clear()

    def fix(self, problem: Problem) -> None:
        """Repair a problem whose repair is certain, wherever it stands by now."""
        for one in self.problems:
            if one.edit and (one.code, one.slots) == (problem.code, problem.slots):
                self.put(applied(one.edit, self.text))
                return

    def fix_all(self) -> None:
        """Repair everything whose repair is certain."""
        self.put(repaired_persona(self.text) or self.text)

    def fill(self, name: str, value: Value) -> None:
        """Write a field into the text; a value that no persona may have is kept in `refused` instead."""
        text, problems = with_field(self.text, name, value)
        if text is None:
            self.refused[name] = value, problems
            return
        others = {key: kept for key, kept in self.refused.items() if key != name}
        self.put(text)
        self.refused = others


def _more_to_fix(text: str, problems: Sequence[Problem]) -> bool:
    certain = [p.edit for p in problems if p.edit]
    if len(certain) == len(problems) == 1:
        # Reading stops at a slip; one step further is enough to know, and a long text takes its time.
        _, problems = read_persona(applied(certain[0], text))
        return any(p.edit for p in problems)
    return len(certain) > 1


def with_field(text: str, name: str, value: Value) -> tuple[str | None, tuple[Problem, ...]]:
    """Give a persona's text with one field changed and all else as it was, or what is wrong with the value.

    The text must be one that `read_persona` takes.
    """
    value = _clean(value)
    before, told = read_persona(text)
    if before is None:
        return None, told
    if getattr(before, name) == value:
        return text, ()
    problems: tuple[Problem, ...] = ()
    second: str | None = None
    for quoted in (False, True):
        try:
            new = with_value(text, name, value, ORDER, quoted)
        except ValueError:
            return None, (Problem("error", "not_mapping", slots={"got": "mapping"}),)
        after, problems = read_persona(new)
        if after == before.model_copy(update={name: value}):
            if len(problems) <= len(told):
                return new, ()
            second = second or new
    return second, () if second else _about(name, problems)


def _about(name: str, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    errors = [p for p in problems if p.level == "error"]
    return tuple([p for p in errors if p.slots.get("field") == name] or errors)


def _clean(value: Value) -> Value:
    """The value as a persona would hold it: without spaces around it, and a list without empty lines."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    return tuple(line.strip() for line in value if line.strip())


def written(skeleton: str, values: Mapping[str, Value]) -> str:
    """Fill the fields of a template; a value that no persona may have is left out."""
    for name, value in values.items():
        skeleton = with_field(skeleton, name, value)[0] or skeleton
    return skeleton


def uploaded(source: bytes) -> tuple[str | None, tuple[Problem, ...]]:
    """Give the text of a file that somebody brought, whatever is wrong with it as a persona.

    Only what is no text at all is refused.
    """
    try:
        text, told = as_text(source, MAX_TEXT)
    except Refused as stopped:
        return None, (stopped.problem,)
    return text, tuple(told)


def without_change(before: str, after: str, now: str) -> str:
    """Give `now`, which was typed on from `after`, without the change that led there from `before`.

    Where both changed the same place, it is `before` as it was.
    """
    start, was, became = _difference(before, after)
    typed, typed_after, _ = _difference(after, now)
    shift = len(now) - len(after)
    if typed_after <= start:
        return now[: start + shift] + before[start:was] + now[became + shift :]
    if typed >= became:
        return now[:start] + before[start:was] + now[became:]
    return before


def _difference(one: str, other: str) -> tuple[int, int, int]:
    """Where two texts begin to differ, and where they cease to in each."""
    start = same_start(one, other)
    same = same_start(one[start:][::-1], other[start:][::-1])
    return start, len(one) - same, len(other) - same
