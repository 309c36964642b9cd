"""One process's class: the replies under way, who is here, and whether the teacher has said stop."""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from collections.abc import Callable
from decimal import Decimal

from playground.ledger import Ledger
from playground.messages import Conversation, ReplyInfo, Usage
from playground.reply import Reply
from playground.usage import Cost, cost, was_billed
from playground.wire import DEFAULT_MAX_TOKENS, Setup, build_body, estimate_tokens

PRESENT = 300.0
"""Seconds for which somebody who did something counts as being here."""
VISITORS = 5_000
"""Visitors from which on those who left are forgotten before anybody asks."""

FREE, FREE_TOGETHER = 5, 100
"""Wrong passcodes without a pause: from one address, and from everywhere together."""
LONGEST_PAUSE = 300.0
FORGOTTEN = 3600.0
"""Seconds after which wrong passcodes are forgotten."""
ADDRESSES = 1_000
"""Addresses whose wrong passcodes are remembered at most."""


class Classroom:
    """What the teacher sees and stops; any thread may call. `clock` gives Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.ledger = Ledger()
        self.stopped = False
        self._clock = clock
        self._guard = threading.Lock()
        self._writing: dict[Reply, Decimal] = {}
        """The replies under way, with what was set aside for each."""
        self._seen: dict[str, float] = {}

    def begin(self, reply: Reply, conversation: Conversation, shared: bool) -> str:
        """Count a reply as under way, or give the code of the failure for which nobody is to be asked.

        `shared` says that its key is the class's, which has a budget.
        """
        provider = reply.setup.provider
        most = _most(reply.setup, conversation) if shared else Decimal(0)
        with self._guard:
            if self.stopped:
                return "class_stopped"
            budget = provider.daily_budget_usd if shared else None
            if budget is not None and not self.ledger.reserve(provider.id, most, budget, self._clock()):
                return "budget_spent"
            self._writing[reply] = most if budget is not None else Decimal(0)
            return ""

    def end(self, reply: Reply, shared: bool) -> None:
        """Enter a reply that was under way and has ended."""
        with self._guard:
            most = self._writing.pop(reply, None)
        if most is None or reply.info is None:
            return
        # One that was stopped in the queue was put to nobody.
        asked = shared and reply.sent()
        self.ledger.add(reply.info, _paid(reply.setup, reply.info) if asked else None, self._clock())
        if most:
            self.ledger.release(reply.setup.provider.id, most)

    def stop(self) -> None:
        """End every reply that is being written or waits, and let none begin; what was written stays."""
        with self._guard:
            self.stopped = True
            writing = list(self._writing)
        # Who waits goes first: the place of one that is stopped would be theirs.
        for reply in reversed(writing):
            reply.stop()

    def go_on(self) -> None:
        """Let questions be asked again."""
        with self._guard:
            self.stopped = False

    @property
    def writing(self) -> int:
        """How many replies are being written, or wait for their turn."""
        return len(self._writing)

    def see(self, visitor: str) -> None:
        """Note that a visitor did something."""
        with self._guard:
            now = self._clock()
            self._seen[visitor] = now
            if len(self._seen) > VISITORS:
                self._forget(now)

    def here(self) -> int:
        """How many visitors did something lately."""
        with self._guard:
            self._forget(self._clock())
            return len(self._seen)

    def _forget(self, now: float) -> None:
        self._seen = {visitor: at for visitor, at in self._seen.items() if at > now - PRESENT}


def _most(setup: Setup, conversation: Conversation) -> Decimal:
    """What a reply costs that is as long as it may be; nothing where there is no budget, or no price is known."""
    if setup.provider.daily_budget_usd is None:
        return Decimal(0)
    body = build_body(setup, conversation).body
    prompt = sum(estimate_tokens(message["content"]) + 4 for message in body["messages"])
    longest = body.get(setup.quirks.max_tokens_field, DEFAULT_MAX_TOKENS)
    return _price(setup, Usage(prompt, longest, estimated=True)).amount or Decimal(0)


def _paid(setup: Setup, info: ReplyInfo) -> Cost:
    return _price(setup, info.usage) if was_billed(info) else Cost(Decimal(0), "free")


def _price(setup: Setup, usage: Usage) -> Cost:
    model = setup.model
    if model.price is None and setup.quirks.price:
        model = model.model_copy(update={"price": setup.quirks.price})
    return cost(usage, setup.provider, model)


class Door:
    """Asks for a passcode, and makes who guesses wait, longer and longer; times are seconds of any clock."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._wrong: dict[str, tuple[int, float]] = {}
        """How often an address was wrong, and when it last was; "" stands for everybody."""
        self._known: set[str] = set()
        """Who has come in: a class shares one address, and who guesses there must not lock the teacher out."""

    def opens(self, given: str, passcode: str, address: str, now: float, owner: str = "") -> bool:
        """Whether this is the passcode; one that comes before `wait` is over is not looked at.

        `owner` is the visitor's secret name, if they have one.
        """
        place = _network(address)
        with self._guard:
            if self._wait(place, now, owner) > 0:
                return False
            if matches(given, passcode):
                self._wrong.pop(place, None)
                self._known |= {owner} - {""}
                return True
            for who in ("", place):
                self._wrong[who] = (self._count(who, now) + 1, now)
            if len(self._wrong) > ADDRESSES:
                self._wrong.pop(min(self._wrong, key=lambda who: self._wrong[who][1]))
            return False

    def wait(self, address: str, now: float, owner: str = "") -> float:
        """Seconds until somebody at this address may try."""
        with self._guard:
            return self._wait(_network(address), now, owner)

    def _wait(self, place: str, now: float, owner: str) -> float:
        if owner in self._known:
            return 0.0
        return max(self._pause("", FREE_TOGETHER, now), self._pause(place, FREE, now))

    def _pause(self, who: str, free: int, now: float) -> float:
        over = self._count(who, now) - free
        if over < 0:
            return 0.0
        return max(0.0, self._wrong[who][1] + min(2.0 ** min(over + 1, 10), LONGEST_PAUSE) - now)

    def _count(self, who: str, now: float) -> int:
        count, last = self._wrong.get(who, (0, now))
        return count if now - last < FORGOTTEN else 0


def matches(given: str, passcode: str) -> bool:
    """Whether two passcodes are the same, in a time that does not tell how much of them is; an empty one never is."""
    mine, theirs = (text.strip().encode("utf-8", "backslashreplace") for text in (given, passcode))
    return bool(theirs) and hmac.compare_digest(mine, theirs)


def _network(address: str) -> str:
    """Who is taken for one: an IPv4 address, or the network of an IPv6 one, which has more than anyone can count."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((number, 64), strict=False)) if number.version == 6 else str(number)
