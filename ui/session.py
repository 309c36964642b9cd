"""What one visitor's session holds; the only module that touches st.session_state.

Widgets forget their state when a visitor changes pages, so each choice lives here and every widget is drawn from it.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import streamlit as st

from playground.keys import Endpoint, Key, clean_key, endpoint, find_key, mask, own_endpoint
from playground.limits import Pace
from playground.messages import Conversation, Message
from playground.owners import new_token, owner_of
from playground.providers import Provider
from playground.reply import Reply
from playground.wire import Setup
from playground.writer import Turn
from ui import writing
from ui.dialogue import Chat
from ui.shared import classroom, limits

if TYPE_CHECKING:
    from playground.checks import Check
    from playground.checkup import Diagnosis
    from playground.compare import Comparison
    from playground.drafts import Draft
    from playground.lesson import Lesson
    from playground.store import Listed
    from ui.prove_desk import Desk


log = logging.getLogger(__name__)

SECRETS_FILE = "secrets.toml"

LEAST_KEY = 12
"""Characters from which on a typed key is looked for in a question; a shorter one may be a word."""

_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass
class Session:
    """A visitor's choices and dialogues."""

    visitor: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Names the visitor in queues; it never leaves the process."""
    language: str = "en"
    language_chosen: bool = False
    persona: str = ""
    gone: str = ""
    """The persona of the dialogue on screen while its file is away, so that `persona` stands in for it."""
    provider: str = ""
    models: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    """Keys that the visitor typed, by provider."""
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The operator's secrets as of this run: they are read once and not for every provider."""
    broken_secrets: str = ""
    """Why the file of secrets cannot be read."""
    addresses: dict[str, str] = field(default_factory=dict)
    """Servers of the visitor's own, by provider."""
    temperature: float | None = None
    max_tokens: int | None = None
    large_text: bool = False
    show_sent: bool = False
    """Whether what is sent is shown beside the chat."""
    looks: int = 0
    """How often the request of an earlier reply was asked for."""
    sent_view: str = "messages"
    """How it is shown there."""
    every_event: bool = False
    """Whether all events of an answer are shown, and not only the first and the last."""
    chats: dict[str, Chat] = field(default_factory=dict)
    chat_id: str = ""
    on_stage: str = ""
    """The dialogue that the last run drew."""
    standing: tuple[str, int] | None = None
    """The dialogue that is whole on screen, and how many of its messages are not shown."""
    stages: int = 0
    """How many dialogues were drawn one after another."""
    token: str = field(default_factory=new_token, repr=False)
    """What the browser keeps to find the visitor's dialogues again; a secret."""
    known: bool = False
    """Whether the browser's token has been taken over."""
    equipped: bool = False
    """Whether the browser was sent the page's code."""
    shared: bool = False
    """Whether others use this computer too, so that the browser forgets the token with the tab."""
    listed: tuple[Listed, ...] | None = ()
    """The visitor's dialogues as last read; None when they are to be read again."""
    unread: bool = False
    """Whether the database did not answer when the visitor's dialogues were last asked for."""
    restored: int = 0
    """How many files have been restored; a new upload field comes after each."""
    news: tuple[str, int] | None = None
    """What came of the last thing done on the page of chats, and how many it touched."""
    unsaved: str = ""
    """Why the last change could not be kept."""
    notices: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refused: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    draft: Draft | None = None
    """The persona that the visitor writes in the workshop."""
    offered: str = ""
    """A persona's text that waits to be taken into the workshop; what the browser kept of a draft is not known yet."""
    arrived: str = ""
    """The persona in the link that led here, as the link holds it."""
    guest: Draft | None = None
    """The persona of that link while the visitor talks to it."""
    judged: dict[tuple[Check, Message], Reply] = field(default_factory=dict)
    """What models answered that were asked whether a check holds of a reply; it ends with the session."""
    polls: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """The class's votes that the visitor began: the code, by question and replies; "" where it could not begin."""
    passcode: str = field(default="", repr=False)
    """The passcode of the class page, as the visitor gave it."""
    comparison: Comparison | None = None
    """What the compare page asks of several at once."""
    handed_in: str = ""
    """The persona's text of the bundle that was opened last."""
    lesson: tuple[str, Lesson] | None = None
    """A recorded lesson of the visitor's own, under the name that its player knows it by."""
    lessons: int = 0
    """How many were opened; a new upload field comes after each."""
    tests: dict[str, Future[Diagnosis]] = field(default_factory=dict)
    """Tests of providers, under way or done."""
    proof: Desk | None = None
    """What the visitor proves, or has proved."""
    finished: int = 0
    """How many replies have ended, so that each is announced once."""

    def hidden(self, text: str) -> str:
        """The text with keys masked: those that the visitor typed, and whatever looks like one."""
        typed = map(clean_key, self.keys.values())
        return mask(text, *(key for key in typed if len(key) >= LEAST_KEY))

    @property
    def owner(self) -> str:
        """Whose dialogues these are, as the database knows it."""
        return owner_of(self.token) or ""

    @property
    def chat(self) -> Chat:
        """The dialogue on screen."""
        return self.chats[self.chat_id]

    def open_chat(self, persona: str, greeting: str) -> Chat:
        """Begin a dialogue with a persona; one that never began is replaced and not kept."""
        if self.chat_id in self.chats and not self.chat.conversation.begun:
            del self.chats[self.chat_id]
        chat = Chat(persona, Conversation.opening(greeting))
        self.chats[chat.id] = chat
        self.chat_id, self.gone = chat.id, ""
        return chat

    def choose_persona(self, slug: str) -> None:
        """Switch persona; its own temperature and length hold until the visitor changes them."""
        self.persona, self.gone = slug, ""
        self.temperature = self.max_tokens = None
        self.notices.clear()

    def go_to(self, chat_id: str) -> None:
        """Go back to an earlier dialogue and its persona."""
        if chat_id in self.chats and chat_id != self.chat_id:
            if self.chat_id in self.chats and not self.chat.conversation.begun:
                del self.chats[self.chat_id]
            self.chat_id = chat_id
            self.choose_persona(self.chat.persona)

    def forget(self, chat_id: str) -> None:
        """Drop a dialogue; what is being written in it ends."""
        writing.end(chat_id)
        if chat := self.chats.pop(chat_id, None):
            if chat.reply:
                chat.reply.stop()
            if chat_id == self.chat_id:
                self.chat_id = ""

    def settle(self) -> bool:
        """Let every reply that has ended join its dialogue; tell whether one did."""
        for chat in self.chats.values():
            if chat.reply:
                chat.reply.seen()
        if self.comparison:
            self.comparison.seen()
        if self.proof:
            self.proof.seen()
        ended = [chat for chat in self.chats.values() if chat.reply and chat.reply.done]
        for chat in ended:
            reply = cast(Reply, chat.reply)
            chat.conversation = chat.conversation.answered(reply.message())
            chat.seen = chat.seen and max(chat.seen, len(chat.conversation.messages))
            if sent := reply.sent():
                chat.sent.append(sent)
                chat.sent_shown = ""
            chat.reply = None
            self.finished += 1
        return bool(ended)

    def refuse(self, setup: Setup, param: str) -> None:
        """Remember that a model does not take a parameter."""
        model = (setup.provider.id, setup.model.id)
        self.refused[model] = self.refused.get(model, frozenset()) | {param}


def session() -> Session:
    """The visitor's session, made at their first run."""
    found: Session | None = st.session_state.get("session")
    if found is None:
        found = st.session_state["session"] = Session()
    return found


def show(key: str, value: Any) -> str:
    """Let the widget `key` show `value`, whatever it showed before; returns the key."""
    st.session_state[key] = value
    return key


def shown(key: str) -> Any:
    """What the widget `key` shows now."""
    return st.session_state[key]


def picked(key: str, take: Callable[[Any], None]) -> Callable[[], None]:
    """A callback that hands what the widget `key` shows to `take`."""

    def callback() -> None:
        take(st.session_state[key])

    return callback


def secrets() -> tuple[Mapping[str, Any], str]:
    """The operator's secrets, none where there is no secrets file; or why it cannot be read, without its content."""
    try:
        return dict(st.secrets), ""
    except (OSError, ValueError) as error:
        # Streamlit raises a FileNotFoundError for a slip in the file too, with the slip as its cause.
        if isinstance(error, FileNotFoundError) and error.__cause__ is None:
            return {}, ""
        from playground.doctor import where_broken

        reason = where_broken(error.__cause__ or error)
        _log_broken(reason)
        return {}, reason


@cache
def _log_broken(reason: str) -> None:
    """Tell the operator once, and not at every run."""
    log.warning("%s cannot be read (%s), so its keys are not used", SECRETS_FILE, reason)


def key_for(provider: Provider) -> Key:
    """The key that this visitor uses with a provider, and where it was found."""
    return find_key(provider, session().keys.get(provider.id, ""), session().secrets, os.environ)


def known_keys(providers: Iterable[Provider]) -> tuple[str, ...]:
    """Every key that this session could use, to be masked in what leaves it."""
    keys = map(key_for, providers)
    return tuple(key.value for key in keys if key.value and key.origin != "placeholder")


def endpoint_for(provider: Provider) -> Endpoint:
    """Where this visitor's requests to a provider go, and the key that goes with them."""
    own = session().addresses.get(provider.id, "")
    if own and may_name_servers(provider):
        return own_endpoint(provider, own, session().keys.get(provider.id, ""), is_here())
    return endpoint(provider, key_for(provider), os.environ)


def turn_for(provider: Provider) -> Turn:
    """The visitor's place in the class, and in the queue of those who share the provider's key, if there is one."""
    visit = session()
    own = bool(key_for(provider).origin == "typed" or visit.addresses.get(provider.id))
    pace = Pace() if own else Pace(provider.pace.requests_per_minute, provider.pace.at_once)
    return Turn(limits(), (provider.id, "shared"), pace, visit.visitor, classroom(), shared=not own)


def may_name_servers(provider: Provider) -> bool:
    """Whether the visitor may say where a local provider answers: at this machine, or where the operator allows it."""
    return provider.kind == "local" and (is_here() or os.environ.get("PLAYGROUND_OWN_SERVERS") == "1")


def is_here() -> bool:
    """Whether the visitor sits at the machine that the app runs on, and nothing stands between."""
    headers = {name.lower() for name in st.context.headers}
    direct = not headers & {"x-forwarded-for", "forwarded", "x-real-ip", "via"}
    host = urlsplit(st.context.url or "").hostname
    return direct and host in _HERE and st.context.ip_address in (None, *_HERE)
