"""What a conversation is made of: frozen values that go to JSON and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Role = Literal["user", "assistant"]

MOST = 10**12
"""More of anything than this is no count, price or time that a provider can mean."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply, as the provider counted them, or `estimated` by us.

    `reported_cost` is the provider's own figure in US dollars.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False
    reported_cost: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a reply failed, as a code that the screen words.

    `detail` is the provider's own sentence with keys masked, `seconds` how long to wait before a new try,
    `retry` whether a new try can help.
    """

    code: str
    status: int | None = None
    detail: str = ""
    seconds: float | None = None
    retry: bool = False


@dataclass(frozen=True, slots=True)
class ReplyInfo:
    """Who wrote a reply, how it ended, and what it took.

    `ended` is "stop", "length", "filtered", "tool_calls", "stopped" (by the reader), "unconfirmed" (the provider
    never said that it was done), "interrupted" (the app went down while it was written) or "failed".
    """

    provider: str
    model: str
    ended: str
    seconds: float
    first_token_seconds: float | None = None
    usage: Usage = field(default_factory=Usage)
    failure: Failure | None = None
    unused: tuple[str, ...] = ()
    """Parameters that the provider refused and that were left out."""
    requests_left: int | None = None
    tokens_left: int | None = None
    """What the provider said was left of the key's quota."""
    left_out: tuple[str, ...] = ()
    """Parts of the conversation that its reader let the request go without."""

    @property
    def whole(self) -> bool:
        """Whether it can be judged; a reply that was broken off says nothing of the persona."""
        return self.failure is None and self.ended in ("stop", "length", "unconfirmed")

    @property
    def countable(self) -> bool:
        """Whether all of its numbers are such as can be meant; a file may hold others, and pages reckon with them."""
        usage, fault = self.usage, self.failure
        counts = [usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, usage.reported_cost]
        counts += [self.requests_left, self.tokens_left, self.seconds, self.first_token_seconds]
        counts += [fault.status, fault.seconds] if fault else []
        return all(0 <= (count or 0) <= MOST for count in counts)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said; `info` is there on replies that a model wrote, and not on a greeting."""

    role: Role
    content: str
    reasoning: str = ""
    info: ReplyInfo | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said so far, oldest first; every change makes a new value."""

    messages: tuple[Message, ...] = ()

    @classmethod
    def opening(cls, greeting: str) -> Conversation:
        """Start with what the persona says first; an empty greeting starts empty."""
        return cls((Message("assistant", greeting),) if greeting else ())

    @property
    def question(self) -> str | None:
        """The question that waits for an answer, if one does."""
        return self.messages[-1].content if self.messages and self.messages[-1].role == "user" else None

    @property
    def begun(self) -> bool:
        """Whether the user has said anything."""
        return any(m.role == "user" for m in self.messages)

    def say(self, text: str) -> Conversation:
        """Add the user's question."""
        return replace(self, messages=(*self.messages, Message("user", text)))

    def answered(self, reply: Message) -> Conversation:
        """Add the reply to the question that waits."""
        return replace(self, messages=(*self.messages, reply))

    def before_last_question(self) -> Conversation:
        """Drop the last question and what came after it; unchanged when nothing was asked."""
        for index in range(len(self.messages) - 1, -1, -1):
            if self.messages[index].role == "user":
                return replace(self, messages=self.messages[:index])
        return self

    def last_question(self) -> str | None:
        """What the user said last, answered or not."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), None)

    def to_json(self) -> list[dict[str, Any]]:
        """Give plain lists and dicts that `json` can write."""
        return [asdict(m) for m in self.messages]

    @classmethod
    def from_json(cls, rows: list[dict[str, Any]]) -> Conversation:
        """Read what `to_json` gave; raises TypeError or KeyError on anything else."""
        return cls(tuple(_message(row) for row in rows))


def _message(row: dict[str, Any]) -> Message:
    info = row.get("info")
    if info is not None:
        failure = info.get("failure")
        told: dict[str, Any] = {
            **info,
            "usage": Usage(**info.get("usage", {})),
            "failure": Failure(**failure) if failure else None,
            "unused": tuple(info.get("unused", ())),
            "left_out": tuple(info.get("left_out", ())),
        }
        info = ReplyInfo(**told)
    if row["role"] not in ("user", "assistant"):
        raise KeyError(row["role"])
    return Message(row["role"], row["content"], row.get("reasoning", ""), info)
