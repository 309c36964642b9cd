"""What a visitor proves: what was chosen, what is under way, and what there is to choose from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

from playground.catalogue import shared
from playground.personas import Persona
from playground.proof import Outcome, Plan
from playground.proving import Proving, Voice
from playground.sources import source_for
from playground.wire import Setup
from ui.models import model_name, provider_name
from ui.page import Room
from ui.session import Session, endpoint_for, key_for, turn_for

DRAFT = "."
"""Stands for the workshop's draft among the personas; no file has this name."""

MOST_LEFT = 64
"""Visitors whose proofs are found again after a reload; the one that was away longest is forgotten first."""


@dataclass
class Desk:
    """What a visitor chose on the page, and what is being proved or was."""

    owner: str = ""
    """Whose it is, as of the last run."""
    beside: tuple[str, str] = ("", "")
    """Persona and model of the sidebar, as of the last run."""
    persona: str = ""
    models: tuple[str, ...] = ()
    stand_in: tuple[str, ...] = ()
    """What was taken for the sidebar's model, which could not be asked."""
    left_out: set[str] = field(default_factory=set)
    """Starters that are not asked."""
    probes: set[str] = field(default_factory=set)
    own: str = ""
    runs: int = 5
    judge: str = ""
    plan: Plan | None = None
    before: tuple[Outcome, ...] = ()
    """What came with a file, or is known since before."""
    proving: Proving | None = None
    damage: str = ""
    """Why the last file was refused."""
    files: int = 0
    """How many files were taken; a new upload field comes after each."""
    shown: dict[int, int] = field(default_factory=dict)
    """How many failing replies are drawn, by the place of the check."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What is known by now."""
        return self.proving.outcomes if self.proving else self.before

    @property
    def running(self) -> bool:
        """Whether it goes on at this moment."""
        return self.proving is not None and self.proving.state != "over"

    def seen(self) -> None:
        """Tell that the visitor is still here."""
        if self.proving:
            self.proving.seen()

    def settle(self) -> None:
        """Keep what came of it, once it is over, and nothing that could ask for more."""
        if self.proving and not self.running:
            self.before, self.proving = self.proving.outcomes, None

    def stop(self) -> None:
        """End it; what was answered stays."""
        if self.proving:
            self.proving.stop()

    def clear(self) -> None:
        """Put away what was proved."""
        self.stop()
        self.plan, self.before, self.proving, self.damage = None, (), None, ""
        self.shown.clear()


def open_desk(room: Room) -> Desk:
    """The visitor's desk, which begins with what is chosen in the sidebar."""
    desk = _sit_down(room.session)
    known, offered = personas(room), offers(room)
    slug, model = beside = room.session.persona, f"{room.provider.id}/{room.model.id}"
    if slug != desk.beside[0] and slug in known:
        desk.persona = slug
        desk.left_out.clear()
    if desk.models in ((), (desk.beside[1],), desk.stand_in) and model in offered:
        desk.models = (model,)
    desk.beside = beside
    if desk.persona not in known:
        desk.persona = next(iter(known), "")
    desk.models = tuple(name for name in desk.models if name in offered)
    if not desk.models:
        desk.models = desk.stand_in = tuple(offered)[:1]
    if desk.judge not in offered:
        desk.judge = ""
    return desk


def begin_with_draft(room: Room) -> None:
    """Let the draft be what is proved next; what was proved before stays until it is put away."""
    desk = open_desk(room)
    desk.persona = DRAFT
    desk.left_out.clear()


def _sit_down(visit: Session) -> Desk:
    """The visitor's desk; where the page was loaded anew, with what was proved before that."""
    desk, left = visit.proof, _left()
    if desk is None or desk.owner != visit.owner:
        before = left.get(visit.owner)
        if before and (desk is None or desk.plan is None):
            # A copy: putting it away in one tab leaves the other's on screen.
            desk = replace(before)
    desk = visit.proof = desk or Desk()
    desk.owner = visit.owner
    desk.settle()
    if desk.plan:
        left[visit.owner] = desk
        left.move_to_end(visit.owner)
        while len(left) > MOST_LEFT:
            left.popitem(last=False)
    elif left.get(visit.owner) is desk:
        del left[visit.owner]
    return desk


@cache
def _left() -> OrderedDict[str, Desk]:
    return OrderedDict()


def personas(room: Room) -> dict[str, Persona]:
    """The personas to choose from; the visitor's own draft first."""
    draft = room.session.draft
    own = draft.persona if draft and not draft.untouched else None
    return {**({DRAFT: own} if own else {}), **room.shelf.personas}


def offers(room: Room) -> dict[str, str]:
    """The models that can be asked, as "provider/model", and their names."""
    found = {}
    for provider in room.providers.all.values():
        here = provider.id == room.provider.id
        # What was recorded says the same every time.
        if provider.kind == "recorded" or (provider.needs_key and key_for(provider).origin == "none"):
            continue
        models = list(provider.models.list)
        if provider.kind == "local":
            listing = shared().models(provider, endpoint_for(provider))
            if not here and listing.state != "live":
                continue
            models = [offer.model for offer in listing.offers]
        models += [room.model] if here else []
        for model in models:
            if model.id:
                name = f"{provider_name(room.t, provider)} · {model_name(model)}"
                found[f"{provider.id}/{model.id}"] = name
    return found


def voices(room: Room, names: Iterable[str], persona: Persona) -> dict[str, Voice]:
    """What asks each model, with this visitor's keys and in this visitor's place in the queue."""
    found = {}
    for name in filter(None, names):
        provider_id, _, model_id = name.partition("/")
        provider = room.providers[provider_id]
        model = provider.model(model_id)
        refused = room.session.refused.get((provider_id, model_id), frozenset())
        quirks = room.providers.quirks(provider, model_id)
        setup = Setup(provider, model, quirks, persona, refused=refused)
        source = source_for(provider, model, endpoint_for(provider))
        found[name] = Voice(setup, source, turn_for(provider))
    return found
