"""Lets the browser put what Streamlit itself writes, which is English, into the visitor's language."""

from __future__ import annotations

import json
import re

from playground.i18n import streamlit_words

# Only where Streamlit writes: words of visitors and models stay as they are.
_SPEAK = """
const speak = (() => {
  const LANGUAGES = WORDS;
  const PLACES = ["InputInstructions", "stFileUploader", "stSelectboxVirtualDropdown", "stSkipToContent",
    "stTooltipContent", "stStatusWidget", "stDialog"].map((name) => `[data-testid="${name}"]`).join();
  const NAMES = ["aria-label", "title", "placeholder"], NAMED = NAMES.map((name) => `[${name}]`).join();
  const written = new WeakMap();
  let words = [{}, []], due = 0, spoken = "en";
  const translated = (text) => {
    const [exact, patterns] = words;
    if (Object.hasOwn(exact, text)) return exact[text];
    const [like, ours] = patterns.find(([like]) => like.test(text)) ?? [];
    return like ? text.replace(like, ours) : text;
  };
  const turn = (holder, name, text, write) => {
    const kept = written.get(holder) ?? {};
    const own = kept[name]?.ours === text ? kept[name].own : text;
    const ours = translated(own);
    if (ours === text) return;
    written.set(holder, { ...kept, [name]: { own, ours } });
    write(ours);
  };
  const look = () => {
    due = 0;
    for (const place of document.querySelectorAll(PLACES)) {
      const walk = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
      for (let node; (node = walk.nextNode());) turn(node, "data", node.data, (ours) => { node.data = ours; });
    }
    for (const element of document.querySelectorAll(NAMED))
      for (const name of NAMES.filter((name) => element.hasAttribute(name)))
        turn(element, name, element.getAttribute(name), (ours) => element.setAttribute(name, ours));
  };
  const observer = new MutationObserver(() => { due ||= requestAnimationFrame(look); });
  return (language) => {
    // Every run of the page says its language; the observer sees to the rest.
    if (language === spoken) return;
    spoken = language;
    const [exact, patterns] = LANGUAGES[language] ?? [{}, []];
    words = [exact, patterns.map(([like, ours]) => [new RegExp(like), ours])];
    look();
    observer.disconnect();
    if (LANGUAGES[language]) observer.observe(document.body, {
      subtree: true, childList: true, characterData: true, attributeFilter: NAMES,
    });
  };
})();
"""


def speak() -> str:
    """JavaScript that defines `speak(language)`, to be called whenever the language may have changed."""
    tables = {language: _table(known) for language, known in streamlit_words().items()}
    return _SPEAK.replace("WORDS", json.dumps(tables, ensure_ascii=False))


def _table(known: dict[str, str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The words without a slot; those with one as pairs of a pattern and what replaces it, as JavaScript has them."""
    exact = {said: ours for said, ours in known.items() if "{" not in said}
    slotted = ((re.split(r"\{\w+\}", said), ours) for said, ours in known.items() if said not in exact)
    return exact, [
        (f"^{re.escape(a)}(.+){re.escape(b)}$", re.sub(r"\{\w+\}", "$1", c)) for (a, b), c in slotted
    ]
