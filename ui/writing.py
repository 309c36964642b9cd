"""Who writes at which place of a dialogue; what was taken away meanwhile is not written after all.

The thread of a reply that was stopped may end long after another reply has taken its place.
"""

from __future__ import annotations

from threading import Lock
from weakref import WeakValueDictionary


class Right:
    """The right to write a message of a dialogue: it `holds` until the message is taken away or asked for anew."""

    def __init__(self, chat_id: str, length: int) -> None:
        self.chat_id, self.length, self.holds = chat_id, length, True


_given: WeakValueDictionary[tuple[str, int], Right] = WeakValueDictionary()
"""By dialogue and by how many messages it has with the one that is written."""

_lock = Lock()


def take(chat_id: str, length: int) -> Right:
    """The right to write the last message of a dialogue that has `length` with it; who had it before has it no more."""
    right = Right(chat_id, length)
    with _lock:
        if before := _given.get((chat_id, length)):
            before.holds = False
        _given[chat_id, length] = right
    return right


def end(chat_id: str, length: int = 0) -> None:
    """Let nobody write on in a dialogue of which only the first `length` messages stand."""
    with _lock:
        # The references and not the items, of which one may go with its reply at any moment.
        for reference in _given.valuerefs():
            if (right := reference()) and right.chat_id == chat_id and right.length > length:
                right.holds = False
