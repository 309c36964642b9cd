"""How every page opens: the visitor's session, the words, the sidebar, and the link that leads back to this room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground import failures
from playground.config import Problem
from playground.i18n import Translator, choose_language, translator
from playground.personas import Persona, Shelf, slug_of
from playground.providers import Model, Provider, ProvidersFile
from playground.share import MAX_PAYLOAD, PARAMETER
from playground.wire import Setup
from ui import keeping, library, models, sidebar
from ui.markdown import plain
from ui.problems import problem_list
from ui.session import Session, secrets, session
from ui.shared import classroom

PAGES = {
    "chat": ("streamlit_app.py", ":material/forum:"),
    "gallery": ("pages/gallery.py", ":material/groups:"),
    "workshop": ("pages/workshop.py", ":material/edit_note:"),
    "about": ("pages/about.py", ":material/info:"),
    "compare": ("pages/compare.py", ":material/compare:"),
    "prove": ("pages/prove.py", ":material/fact_check:"),
    "providers": ("pages/providers.py", ":material/dns:"),
    "chats": ("pages/chats.py", ":material/history:"),
}
"""The pages that the sidebar links to in two columns, each with its script and its icon."""

HALF = 119
"""Pixels of half a sidebar."""


@dataclass
class Room:
    """What a page works with: its name, the words, the visitor's session, and what is chosen."""

    name: str
    t: Translator
    session: Session
    shelf: Shelf
    providers: ProvidersFile
    slips: tuple[Problem, ...]
    """What is wrong with the providers' file, which is in force as it was before."""
    persona: Persona | None
    provider: Provider
    model: Model
    _top: DeltaGenerator | None
    """The place of what the browser is to be told; None when it has been."""
    _engine: DeltaGenerator | None = None
    """Where the sidebar tells of the model's state."""

    def draw_frame(self) -> None:
        """Draw what stands around every page: the icon in its tab, and the sidebar."""
        # Streamlit knows an emoji by a pattern that takes a tenth of a second to compile: not before the first paint.
        st.set_page_config(page_icon="🎭")
        self.tell_browser()
        with st.sidebar:
            _links(self.t, self.session)
            self._engine = sidebar.draw(
                self.t, self.session, self.shelf, self.providers, slips=bool(self.slips)
            )

    def tell_browser(self) -> None:
        """Tell the browser the page's looks and what it should keep, once a run."""
        if self._top:
            with self._top:
                keeping.remember(self.session, self.name)
            self._top = None

    def tell_engine(self) -> None:
        """Bring the line about the model's state up to date."""
        if self._engine:
            models.draw_engine(self.t, self.session, self.model, self._engine)

    @property
    def setup(self) -> Setup:
        """Who would answer the next question."""
        return Setup(
            provider=self.provider,
            model=self.model,
            quirks=self.providers.quirks(self.provider, self.model.id),
            persona=self.persona,
            temperature=self.session.temperature,
            max_tokens=self.session.max_tokens,
            refused=self.session.refused.get((self.provider.id, self.model.id), frozenset()),
        )

    def told(self, place: int) -> Room:
        """The room for a message of the dialogue on screen: nobody's face and checks are put to another's words."""
        others = place in self.session.chat.others
        return self if others == bool(self.session.gone) else replace(self, persona=None)


@contextmanager
def open_page(name: str, *, draw_frame: bool = True) -> Iterator[Room]:
    """Open the page `name` for what is drawn within, whichever the visitor lands on first.

    A page whose own content should be on screen as early as can be draws the frame itself, later. What nobody foresaw
    ends the run with a sentence and a number, which the operator finds in the log.
    """
    try:
        yield _open(name, draw_frame=draw_frame)
    except Exception as error:
        number = failures.report(f"page {name}", error)
        t = translator(session().language)
        told = t("app.page_broke", number=number)
        st.error(f"**{t('failure.internal.what')}** {told}", icon=":material/error:")


def _open(name: str, *, draw_frame: bool) -> Room:
    visit = session()
    # Nothing is chosen before a first run has come past the providers.
    arriving = not visit.provider
    visit.secrets, visit.broken_secrets = secrets()
    if arriving:
        visit.language = choose_language(st.query_params.get("lang"), st.context.locale)
        visit.language_chosen = "lang" in st.query_params
    t = translator(visit.language)
    st.set_page_config(
        page_title=f"{t(f'nav.{name}')} · {t('app.name')}",
        layout="centered" if name == "vote" or (name == "chat" and not visit.show_sent) else "wide",
        menu_items={},
    )
    shelf = library.personas()
    providers, problems = library.providers(visit.language, visit.lesson)
    if providers is None:
        st.error(t("notice.providers_broken", file=plain(library.providers_file().name)))
        problem_list(t, problems)
        st.button(t("notice.look_again"), key="look_again", icon=":material/refresh:")
        st.stop()
    if arriving:
        _arrive(visit, shelf, providers)
    if _has_received(visit) and name != "shared":
        st.switch_page("pages/shared.py")
    _keep_valid(visit, shelf, providers)
    visit.settle()
    if name != "chat":
        # No page keeps what another has drawn.
        visit.standing = None
    top = st.container()
    _write_link(visit, name)
    provider = providers[visit.provider]
    model = provider.model(visit.models[provider.id])
    persona = shelf.personas.get(visit.persona)
    room = Room(name, t, visit, shelf, providers, problems, persona, provider, model, top)
    if arriving:
        # It brings the page's looks; later on the first words of a reply come before it.
        room.tell_browser()
    classroom().see(visit.visitor)
    if draw_frame:
        room.draw_frame()
    if name in ("compare", "prove"):
        draw_notices(room)
    if classroom().stopped and name not in ("classroom", "vote"):
        st.info(t("classroom.paused"), icon=":material/pause_circle:")
    return room


def draw_notices(room: Room) -> None:
    """Tell what the link asked for and could not get."""
    for code, slots in room.session.notices:
        words = room.t(f"notice.{code}", **{k: plain(v) for k, v in slots.items()})
        st.warning(words, icon=":material/link_off:")


def _arrive(visit: Session, shelf: Shelf, providers: ProvidersFile) -> None:
    """Take the choices of the link that led here; what it names and we do not know is told."""
    wanted = {name: st.query_params.get(name, "") for name in ("persona", "provider", "model")}
    if wanted["provider"] in providers.all:
        visit.provider = wanted["provider"]
    elif wanted["provider"]:
        visit.notices.append(("unknown_provider", {"name": wanted["provider"]}))
    if wanted["model"] and (visit.provider or not wanted["provider"]):
        visit.provider = visit.provider or sidebar.first_provider(providers)
        known = [m.id for m in providers[visit.provider].models.list]
        if wanted["model"] in known or not known or providers[visit.provider].kind != "embedded":
            visit.models[visit.provider] = wanted["model"]
        if wanted["model"] not in known and known:
            visit.notices.append(("unknown_model", {"name": wanted["model"]}))
    # The name of the file does as well as the slug made of it.
    slug = slug_of(wanted["persona"]) if wanted["persona"] else ""
    if slug in shelf.personas:
        visit.persona = slug
    elif wanted["persona"]:
        visit.notices.append(("unknown_persona", {"name": wanted["persona"]}))


def _has_received(visit: Session) -> bool:
    """Take the persona that a link carries, to be shown before anything else; tell whether it is a new one."""
    share = st.query_params.get(PARAMETER, "")[: MAX_PAYLOAD + 1]
    if not share or share == visit.arrived:
        return False
    visit.arrived, visit.guest = share, None
    return True


def _keep_valid(visit: Session, shelf: Shelf, providers: ProvidersFile) -> None:
    """Replace choices whose file entry is gone, and make the first ones."""
    if visit.provider not in providers.all:
        visit.provider = sidebar.first_provider(providers)
    for provider in providers.all.values():
        visit.models.setdefault(provider.id, provider.models.default)
    model = providers[visit.provider].model(visit.models[visit.provider])
    if visit.gone in shelf.personas:
        visit.persona, visit.gone = visit.gone, ""
    if visit.persona not in shelf.personas:
        # A dialogue outlives its persona's file: it stays that persona's own, and another one stands in.
        visit.gone = visit.gone or visit.persona
        visit.persona = sidebar.first_persona(shelf, model, visit.language)
    persona = shelf.personas.get(visit.persona)
    greeting = persona.greeting.strip() if persona else ""
    fresh = visit.chat_id not in visit.chats
    if fresh or visit.chat.persona != (visit.gone or visit.persona):
        visit.open_chat(visit.persona, greeting)
    elif not visit.chat.conversation.begun:
        # An edited greeting is on the page at the next interaction, and so is that of who stands in.
        visit.chat.others = {0} if visit.gone else set()
        visit.chat.conversation = visit.chat.conversation.opening(greeting)


def _links(t: Translator, visit: Session) -> None:
    pages, large_text, address = list(PAGES.items()), visit.large_text, _address(visit)
    half = (len(pages) + 1) // 2
    width: int | Literal["stretch"] = "stretch" if large_text else HALF
    # Columns would stand below each other on a phone, whose sidebar is as wide as any. Larger words need all of it.
    with st.container(horizontal=not large_text, gap="xsmall" if large_text else None):
        for column in (pages[:half], pages[half:]):
            with st.container(width=width, gap="xsmall"):
                for name, (path, icon) in column:
                    # With the whole address: a page that adds to it later needs two steps back.
                    st.page_link(
                        path, label=t(f"nav.{name}"), icon=icon, width="stretch", query_params=address
                    )


def _write_link(visit: Session, name: str) -> None:
    """Keep the address such that a copy of it opens this very room."""
    room = _address(visit)
    if name == "shared":
        room[PARAMETER] = visit.arrived
    if name == "vote":
        room = {"poll": st.query_params.get("poll", ""), "lang": room.get("lang", "")}
    room = {name: value for name, value in room.items() if value}
    if st.query_params.to_dict() != room:
        st.query_params.from_dict(room)


def _address(visit: Session) -> dict[str, str]:
    """The visitor's choices as a link holds them."""
    room = {"persona": visit.persona, "provider": visit.provider, "model": visit.models[visit.provider]}
    if visit.language_chosen:
        room["lang"] = visit.language
    return {name: value for name, value in room.items() if value}
