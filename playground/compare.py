"""One question put to several at once: who sits in which column, what each answers, whose name is hidden."""

from __future__ import annotations

import uuid
from collections.abc import Callable, MutableSequence, Sequence
from dataclasses import dataclass, field, replace

from playground.messages import Conversation
from playground.reply import Reply

FEWEST, MOST = 2, 6
"""Columns of a comparison."""

MOST_RUNS = 5
"""Replies of one column to one question."""

DRAFT = "*"
"""Stands for the persona that the visitor is writing; no persona's slug has this character."""

TIE = "tie"
"""The vote for none of them."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who answers in a column; `persona` is a slug, DRAFT, or "" for none, and `temperature` None leaves it to them."""

    provider: str
    model: str
    persona: str = ""
    temperature: float | None = None


Ask = Callable[[Seat, Conversation], Reply]
"""Has a conversation's last question answered by who sits there."""

Greet = Callable[[Seat], str]
"""What who sits there says first, "" for nothing."""

Shuffle = Callable[[MutableSequence[str]], None]


@dataclass
class Column:
    """A dialogue with one seat; each of its questions is answered once, or several times over."""

    seat: Seat
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    conversation: Conversation = field(default_factory=Conversation)
    """What was said, up to the question that `replies` answer."""
    replies: list[Reply] = field(default_factory=list)
    wins: int = 0
    """How often it was voted for without its name."""
    turn: int = 0
    """How many questions were put to it."""

    @property
    def busy(self) -> bool:
        """Whether a reply is being written in it."""
        return any(not reply.done for reply in self.replies)

    @property
    def earlier(self) -> Conversation:
        """What was said before the question that is being answered."""
        return self.conversation.before_last_question() if self.replies else self.conversation

    def begin(self, question: str, runs: int, ask: Ask, greeting: str) -> None:
        """Start over with a question."""
        self.clear()
        self._put(Conversation.opening(greeting).say(question), runs, ask)

    def go_on(self, question: str, runs: int, ask: Ask) -> None:
        """Ask something more; of several replies the first is the one that the dialogue goes on from."""
        self.stop()
        said = self.conversation.answered(self.replies[0].message()) if self.replies else self.conversation
        self._put(said.say(question), runs, ask)

    def ask_again(self, runs: int, ask: Ask) -> None:
        """Have the last question answered anew."""
        if self.replies:
            self.stop()
            self._put(self.conversation, runs, ask)

    def stop(self) -> None:
        """End what is being written; what is written stays."""
        for reply in self.replies:
            reply.stop()

    def clear(self) -> None:
        """Forget what was said."""
        self.stop()
        self.conversation, self.replies = Conversation(), []

    def _put(self, conversation: Conversation, runs: int, ask: Ask) -> None:
        self.conversation = conversation
        self.turn += 1
        self.replies = [ask(self.seat, conversation) for _ in range(runs)]


@dataclass
class Comparison:
    """Two to six columns, and what is asked of all of them."""

    columns: list[Column]
    prompt: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    asked: str = ""
    """The last question that was put to all."""
    runs: int = 1
    """How often each column answers a question."""
    blind: bool = False
    """Whether names are hidden from the next question on."""
    hidden: bool = False
    """Whether they are hidden now."""
    choice: str = ""
    """The id of the column that was voted for, TIE, or "" before the vote."""
    order: list[str] = field(default_factory=list)
    """The columns as they stand on screen in a round without names, by id; empty in any other."""
    prompts_shown: bool = False
    """Whether the page shows how two system prompts differ."""
    held_back: bool = False
    """Whether the last question held a key and was put to nobody."""

    @property
    def begun(self) -> bool:
        """Whether anything was asked."""
        return any(column.replies for column in self.columns)

    @property
    def busy(self) -> bool:
        """Whether a reply is being written."""
        return any(column.busy for column in self.columns)

    @property
    def shown(self) -> list[Column]:
        """The columns in the order in which they stand on screen."""
        known = {column.id: column for column in self.columns}
        return [known[id] for id in self.order] if self.order else self.columns

    def ask_all(self, question: str, ask: Ask, greet: Greet, shuffle: Shuffle) -> None:
        """Let every column start over with a question."""
        self._hide(question, shuffle)
        for column in self.columns:
            column.begin(question, self.runs, ask, greet(column.seat))

    def go_on(self, question: str, ask: Ask, shuffle: Shuffle) -> None:
        """Ask every column something more."""
        self._hide(question, shuffle)
        for column in self.columns:
            column.go_on(question, self.runs, ask)

    def reveal(self) -> None:
        """Tell the names, and count the vote."""
        if self.hidden:
            self.hidden = False
            for column in self.columns:
                column.wins += column.id == self.choice

    def stop(self) -> None:
        """End what is being written in any column."""
        for column in self.columns:
            column.stop()

    def seen(self) -> None:
        """Tell the replies that their reader is still here."""
        for column in self.columns:
            for reply in column.replies:
                reply.seen()

    def copy(self) -> Comparison:
        """The same for another page; what is being written is in both."""
        columns = [replace(column, replies=list(column.replies)) for column in self.columns]
        return replace(self, columns=columns, order=list(self.order))

    def place(self, seats: Sequence[Seat]) -> None:
        """Fill the columns anew."""
        self.stop()
        self.columns = [Column(seat) for seat in seats]
        self.asked, self.hidden, self.choice, self.order = "", False, "", []

    def add(self) -> None:
        """Add a column like the last one."""
        if len(self.columns) < MOST:
            self.columns.append(Column(self.columns[-1].seat))
            self.order = []

    def remove(self, column: Column) -> None:
        """Take a column away."""
        if len(self.columns) > FEWEST:
            column.stop()
            self.columns.remove(column)
            self.order = []

    def change(self, column: Column, seat: Seat) -> None:
        """Let somebody else answer in a column; what was said in it is forgotten."""
        if seat != column.seat:
            column.clear()
            column.seat, column.wins = seat, 0

    def _hide(self, question: str, shuffle: Shuffle) -> None:
        """Begin a round: in a new order where names are hidden."""
        self.asked, self.hidden, self.choice = question, self.blind, ""
        self.order = [column.id for column in self.columns] if self.blind else []
        shuffle(self.order)


@dataclass(frozen=True, slots=True)
class Other:
    """Whom else there is to compare with."""

    persona: str
    provider: str
    model: str


PRESETS: dict[str, Callable[[Seat, Other], tuple[Seat, Seat]]] = {
    "persona": lambda seat, other: (seat, replace(seat, persona="")),
    "models": lambda seat, other: (seat, replace(seat, provider=other.provider, model=other.model)),
    "temperatures": lambda seat, other: (replace(seat, temperature=0.0), replace(seat, temperature=1.5)),
    "personas": lambda seat, other: (seat, replace(seat, persona=other.persona)),
    "draft": lambda seat, other: (replace(seat, persona=DRAFT), seat),
}
"""Two seats that differ in one thing, by what that is."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How much several replies to one question differ; lengths are in characters."""

    replies: int
    distinct: int
    shortest: int
    longest: int


def spread(replies: Sequence[str]) -> Spread:
    """Tell how much replies differ, of which there is at least one; spaces do not count as a difference."""
    texts = [" ".join(reply.split()) for reply in replies]
    lengths = [len(text) for text in texts]
    return Spread(len(texts), len(set(texts)), min(lengths), max(lengths))
