"""What only the browser can do: the page's language, larger text, input methods, announcements, copying."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import streamlit as st

from ui.session import picked
from ui.streamlit_words import speak

# What stays in the browser, as `playground`: Streamlit sends a component's code with every run, so later runs only call
# what is kept.
_KEPT = """
SPEAK
const page = ({ data, setTriggerValue }) => {
  const style = document.getElementById("playground-style") || document.createElement("style");
  if (!style.id) {
    style.id = "playground-style";
    style.textContent = `STYLE`;
    document.head.append(style);
  }

  const root = document.documentElement;
  root.lang = data.language;
  speak(data.language);
  root.style.fontSize = data.large_text ? "125%" : "";

  // Safari ends a composition before it reports the Enter that ended it, as key code 229.
  if (!window.playgroundKeys) {
    window.playgroundKeys = true;
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.keyCode === 229 || event.isComposing)) event.stopImmediatePropagation();
    }, true);
  }

  // Streamlit follows a growing reply with an animation that pulls back a reader who scrolls up meanwhile.
  const main = document.querySelector(".stMain");
  if (main && !main.playgroundReader) {
    main.playgroundReader = true;
    const own = Object.getOwnPropertyDescriptor(Element.prototype, "scrollTop");
    const place = () => own.get.call(main);
    let reading = false, last = 0, finger = 0;
    Object.defineProperty(main, "scrollTop", {
      configurable: true,
      get: own.get,
      set(top) { if (!reading || top < place()) own.set.call(main, top); },
    });
    const on = (name, act) => main.addEventListener(name, act, { passive: true });
    on("wheel", (event) => { if (event.deltaY < 0) reading = true; });
    on("touchstart", (event) => { finger = event.touches[0].clientY; });
    on("touchmove", (event) => { if (event.touches[0].clientY > finger + 4) reading = true; });
    on("keydown", (event) => {
      const typing = event.target.tagName === "TEXTAREA";
      if (typing && event.key === "Enter" && !event.shiftKey) {
        reading = false;
        setTimeout(() => own.set.call(main, main.scrollHeight), 150);
      } else if (!typing && ["PageUp", "ArrowUp", "Home"].includes(event.key)) reading = true;
    });
    on("scroll", () => {
      if (place() > last && main.scrollHeight - main.clientHeight - place() < 60) reading = false;
      last = place();
    });
  }

  // Streamlit begins a page at its top where a link leads to it, and not where a button does.
  if (window.playgroundAt && window.playgroundAt !== data.page) {
    if (data.page !== "chat") main?.scrollTo(0, 0);
    // On a phone the sidebar lies over the page that its link led to.
    const sidebar = document.querySelector('[data-testid="stSidebar"][data-collapsed="false"]');
    if (innerWidth <= 768) sidebar?.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  }
  window.playgroundAt = data.page;

  let region = document.getElementById("playground-announcer");
  if (!region) {
    region = document.createElement("div");
    region.id = "playground-announcer";
    region.setAttribute("aria-live", "polite");
    region.setAttribute("role", "status");
    Object.assign(region.style, {
      position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)",
    });
    document.body.append(region);
  }

  // The token stays with the browser, or with the tab where others use the computer too; which dialogue was on screen
  // stays with the tab. Until the server has heard of a token from an earlier visit, nothing here is overwritten.
  const TOKEN = "playground-visitor", CHAT = "playground-chat", SHARED = "playground-shared";
  const PERSONA = "playground-persona";
  const tell = (token, chat, persona, shared) => {
    if (window.playgroundTold === data.token) return;
    window.playgroundTold = data.token;
    setTriggerValue("told", { token, chat, persona, shared });
  };
  // The page of chats waits for the word that there is nothing to tell, too.
  const awaited = !data.known && data.page === "chats";
  try {
    const kept = sessionStorage.getItem(TOKEN) || localStorage.getItem(TOKEN);
    const shared = localStorage.getItem(SHARED) === "yes";
    if (awaited || (!data.known && ((kept && kept !== data.token) || shared !== data.shared))) {
      const [chat, persona] = [CHAT, PERSONA].map((name) => sessionStorage.getItem(name) || "");
      tell(kept || data.token, chat, persona, shared);
      return;
    }
    const [own, other] = data.shared ? [sessionStorage, localStorage] : [localStorage, sessionStorage];
    other.removeItem(TOKEN);
    own.setItem(TOKEN, data.token);
    if (data.shared) localStorage.setItem(SHARED, "yes");
    else localStorage.removeItem(SHARED);
    sessionStorage.setItem(CHAT, data.chat);
    sessionStorage.setItem(PERSONA, data.persona);
  } catch {
    // A browser that keeps nothing for sites: the visitor has the recovery code.
    if (awaited) tell(data.token, "", "", data.shared);
  }
};

const announce = ({ data }) => {
  const region = document.getElementById("playground-announcer");
  if (region && region.dataset.number !== String(data.number)) {
    region.dataset.number = String(data.number);
    region.textContent = data.text;
  }
};

const copy = ({ data, parentElement }) => {
  if (!parentElement.querySelector("button")) parentElement.innerHTML = `COPY`;
  const button = parentElement.querySelector("button");
  button.title = data.label;
  button.setAttribute("aria-label", data.label);
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(data.text);
    } catch {
      // Plain http to another computer has no clipboard API.
      const area = document.createElement("textarea");
      area.value = data.text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.dataset.done = "yes";
    setTimeout(() => delete button.dataset.done, 1500);
  };
};

// A browser runs a module's own lines once, however often it is sent.
export default function (component) {
  window.playground = { announce, copy, page };
  delete window.playgroundBare;
  page(component);
  dispatchEvent(new Event("playground"));
}
"""

_CALL_PAGE = """
export default function (component) {
  if (window.playground) return window.playground.page(component);
  const asking = window.playgroundBare;
  window.playgroundBare = component;
  // What answers may be dropped as well.
  const ask = (pause) => {
    if (window.playground) return;
    window.playgroundBare.setTriggerValue("bare", true);
    setTimeout(ask, pause, 2 * pause);
  };
  if (!asking) ask(1000);
}
"""

# A browser may run it before what is kept is there.
_CALL = """
export default function (component) {
  const call = () => window.playground.NAME(component);
  if (window.playground) call();
  else addEventListener("playground", call, { once: true });
}
"""

_COPY = """
<button type="button">
  <svg class="copy" viewBox="0 0 24 24" aria-hidden="true"><rect x="9" y="9" width="11" height="11" rx="2"/>
  <path d="M5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1"/></svg>
  <svg class="done" viewBox="0 0 24 24" aria-hidden="true"><path d="M5 13l4 4L19 7"/></svg>
</button>
<style>
button { all: unset; box-sizing: border-box; display: grid; place-items: center; width: 2.5rem; height: 2.5rem;
  border-radius: 999px; cursor: pointer; color: var(--st-text-color); }
button:hover, button:focus-visible { color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); }
svg { width: 1.15rem; height: 1.15rem; fill: none; stroke: currentColor; stroke-width: 1.8; grid-area: 1 / 1; }
.done, button[data-done] .copy { display: none; }
button[data-done] .done { display: block; }
</style>
"""

_COUNT = """
export default function ({ data, parentElement }) {
  const text = parentElement.querySelector("span");
  const end = (parentElement.end ??= Date.now() + data.seconds * 1000);
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    text.textContent = left ? data.label.replace("#", left) : data.over;
    if (!left) clearInterval(timer);
  };
  const timer = setInterval(tick, 500);
  tick();
  return () => clearInterval(timer);
}
"""

# Streamlit leaves six rem of air above every page, a fifth of a phone's screen.
_PAGE_CSS = """
/* Streamlit writes white on the theme's colour, which in the dark is a bright one. */
.stApp button[data-testid^="stBaseButton-primary"]:enabled,
.stApp [data-testid="stMultiSelectTagsContainer"] span > span {
  color: light-dark(#FFFFFF, #06201C);
}
/* Below the mouse the bright one is a dark one, also in the dark. */
.stApp button[data-testid^="stBaseButton-primary"]:enabled:hover:not(:active) { color: #FFFFFF; }
.stMainBlockContainer { padding-top: 3.75rem; }
/* The words on the button of an open menu are all but as dark as the page. */
.stApp button[data-testid="stPopoverButton"][aria-expanded="true"] { color: light-dark(#0E1416, #3BB8A6); }
/* A wide table scrolls in its own place, and its Chinese words do not stand one below the other. */
[data-testid="stMarkdownContainer"] table { display: block; max-width: 100%; overflow-x: auto; }
[data-testid="stMarkdownContainer"] :is(td, th) { min-width: 4em; }
.stSidebar [data-testid="stSidebarUserContent"] { padding-top: 0; }
"""


def _short(code: str) -> str:
    """The code without what only its reader needs: Streamlit sends it with every run."""
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def _kept() -> str:
    parts = {"STYLE": _PAGE_CSS, "SPEAK": speak(), "COPY": _COPY}
    return _short(re.sub("|".join(parts), lambda name: parts[name[0]], _KEPT))


_first_page = st.components.v2.component("playground_first_page", js=_kept(), isolate_styles=False)
_page = st.components.v2.component("playground_page", js=_short(_CALL_PAGE), isolate_styles=False)
_announce = st.components.v2.component(
    "playground_announcer", js=_short(_CALL.replace("NAME", "announce")), isolate_styles=False
)
_copy = st.components.v2.component("playground_copy", js=_short(_CALL.replace("NAME", "copy")))
_count = st.components.v2.component(
    "playground_countdown",
    html='<span role="timer"></span>',
    css="span { font-size: 0.875rem; color: var(--st-text-color); }",
    js=_short(_COUNT),
)


def tell_page(
    page: str,
    language: str,
    large_text: bool,
    visitor: Mapping[str, object],
    told: Callable[[dict[str, object]], None],
    lost: Callable[[], None],
    *,
    equipped: bool,
) -> None:
    """Begin `page` at its top, set `<html lang>` and the size of text, and let the browser keep what finds the chats.

    `visitor` holds `token` and `chat`, the dialogue on screen, and the `persona` who answers in it, whether the
    browser is `known`, and whether others use it too (`shared`); `told` gets what the browser kept before. One that
    is `equipped` was sent the page's code before; `lost` is called where it turns out not to have it.
    """
    key, component = ("page", _page) if equipped else ("first_page", _first_page)
    component(
        key=key,
        data={"page": page, "language": language, "large_text": large_text, **visitor},
        on_told_change=picked(key, lambda values: told(values["told"])),
        on_bare_change=lost,
        height=0,
    )


def announce(text: str, number: int) -> None:
    """Let screen readers read `text`, once per `number`."""
    _announce(key="announcer", data={"text": text, "number": number}, height=0)


def copy_button(label: str, text: str, key: str) -> None:
    """A button that copies `text` to the clipboard."""
    _copy(key=key, data={"label": label, "text": text}, width=40, height=40)


def countdown(label: str, over: str, seconds: float, key: str) -> None:
    """Count `seconds` down in the browser: `label` with # for the seconds left, then `over`."""
    _count(key=key, data={"label": label, "over": over, "seconds": seconds})
