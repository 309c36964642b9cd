"""One dialogue of a visitor's: what was said, what is being written, and what its reader is about to do."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field

from playground.messages import Conversation, ReplyInfo
from playground.reply import Reply
from playground.sent import Sent
from playground.wire import Leave


@dataclass
class Chat:
    """One dialogue with one persona, and the reply that is being written in it."""

    persona: str
    conversation: Conversation = field(default_factory=Conversation)
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    reply: Reply | None = None
    waiting: list[str] = field(default_factory=list)
    """Questions typed while a reply was being written; they are asked in turn."""
    edited: str | None = None
    """A question while its reader changes it: the last one, or a new one that was too long to be asked."""
    adds: bool = False
    """Whether it is a new one."""
    length_shown: int = 20
    """How many of its last messages are drawn, about."""
    kept: int = 0
    """How many of its messages the database has."""
    seen: int = 0
    """How many messages the database may have of it as far as this tab knows; 0 before it had any."""
    parted: bool = False
    """Whether another tab has deleted it or gone on with it, so that nothing is kept of what is said in this one."""
    sent: deque[Sent] = field(default_factory=lambda: deque(maxlen=12))
    """What was sent for its latest replies; it ends with the session."""
    sent_shown: str = ""
    """Which request the panel shows, as it names them; "" the latest."""
    others: set[int] = field(default_factory=set)
    """Which of its messages somebody wrote who stood in for its persona, by their places."""
    leave: Leave = field(default_factory=Leave)
    """What is left out of its next requests."""

    @property
    def title(self) -> str:
        """What it is called until its reader gives it a name: its first question, or the beginning of that."""
        return next((m.content for m in self.conversation.messages if m.role == "user"), "")[:60]

    def sent_for(self, info: ReplyInfo) -> Sent | None:
        """What was sent for a reply, where this session still has it."""
        if self.reply and self.reply.info == info:
            return self.reply.sent()
        return next((one for one in self.sent if one.info == info), None)

    def edit(self, question: str | None, *, adds: bool = False) -> None:
        """Put a question before its reader, to be changed; None takes it away."""
        self.edited, self.adds = question, adds

    def show_older(self) -> None:
        """Draw a hundred more of its messages."""
        self.length_shown += 100
