// A text that the visitor and the page both change. The page counts its own changes in `revision`, the editor counts
// what it sends in `number`; a change of the page that crosses the visitor's typing is merged into it.
const STORE = "playground-draft";
const PAUSE = 400;
const ON_THE_WAY = 3000;
// What was typed and not yet sent when another page of the app took the editor's place.
let unsent = null;

export default function ({ data, parentElement, setStateValue }) {
  const place = parentElement;
  place.draftSend = setStateValue;
  place.draftData = data;
  const begin = () => {
    if (place.draftGone) return;
    place.draft ??= open(window.playgroundCodeMirror, place);
    place.draft.show(place.draftData);
  };
  place.draftGone = false;
  if (window.playgroundCodeMirror) begin();
  else window.addEventListener("playground-codemirror", begin, { once: true });
  return () => {
    place.draftGone = true;
    place.draft?.close();
    place.draft = undefined;
  };
}

// A computer that others use too forgets a draft with the tab.
const shelf = (shared) => (shared ? sessionStorage : localStorage);

function stored(shared) {
  try {
    return JSON.parse(shelf(shared).getItem(STORE));
  } catch {
    return null;
  }
}

function store(shared, value) {
  try {
    if (shared || !value) localStorage.removeItem(STORE);
    if (value) shelf(shared).setItem(STORE, JSON.stringify(value));
    else sessionStorage.removeItem(STORE);
  } catch {
    // A browser that keeps nothing still edits.
  }
}

function open(CM, place) {
  const add = (kind, className) => {
    const element = document.createElement(kind);
    element.className = className;
    place.append(element);
    return element;
  };
  const box = add("div", "draft-editor"), hint = add("p", "draft-hint"), aloud = add("div", "draft-aloud");
  hint.id = "draft-hint";
  aloud.id = "draft-problems";
  aloud.setAttribute("role", "status");
  aloud.setAttribute("aria-live", "polite");

  const fromPage = CM.Annotation.define(), names = new CM.Compartment();
  let id = null, revision = 0, number = 0, keep = true, shared = false, timer, later, leaving = 0;
  const sent = new Map();

  const text = () => view.state.doc.toString();

  function remember() {
    unsent = { id, revision, number: number + 1, text: text() };
    store(shared, keep ? unsent : null);
  }

  function send() {
    clearTimeout(timer);
    if (id === null || sent.get(number) === text()) return;
    const wait = view.composing ? PAUSE : leaving - Date.now();
    if (wait > 0) {
      timer = setTimeout(send, wait);
      return;
    }
    number += 1;
    sent.set(number, text());
    place.draftSend("draft", { id, revision, number, text: text() });
  }

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(send, PAUSE);
    remember();
  }

  function difference(before, after) {
    let start = 0, end = 0;
    const most = Math.min(before.length, after.length);
    while (start < most && before[start] === after[start]) start += 1;
    while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
    return CM.ChangeSet.of(
      { from: start, to: before.length - end, insert: after.slice(start, after.length - end) }, before.length,
    );
  }

  function change(changes) {
    if (changes.empty) return;
    view.dispatch({ changes, annotations: fromPage.of(true), userEvent: "input.page" });
  }

  function adopt(data) {
    ({ id, revision, heard: number } = data);
    sent.clear();
    sent.set(number, data.text);
    const known = unsent?.id === id ? unsent : stored(shared);
    const newer = known && (known.id === id ? known.revision === revision && known.number > number : data.fresh);
    // What was kept is where the editor begins: no step back leads to what stood there before.
    view.setState(state(newer && typeof known.text === "string" ? known.text : data.text));
    send();
  }

  function merge(data) {
    const base = sent.get(data.heard) ?? text();
    const ours = difference(base, text()), theirs = difference(base, data.text);
    revision = data.revision;
    sent.clear();
    number = Math.max(number, data.heard);
    sent.set(number, data.text);
    change(theirs.map(ours));
    if (text() !== data.text) typed();
  }

  function show(data) {
    if (view.composing) {
      later = data;
      return;
    }
    later = undefined;
    ({ keep, shared } = data);
    if (box.hidden !== data.hidden) {
      box.hidden = hint.hidden = data.hidden;
      view.requestMeasure();
    }
    if (data.id !== id) adopt(data);
    else if (data.revision !== revision) merge(data);
    for (const old of sent.keys()) if (old < Math.min(data.heard, number)) sent.delete(old);
    hint.textContent = data.words.hint;
    view.dispatch({ effects: names.reconfigure(named(data.words.label)) });
    if (text() !== data.text) return;
    remember();
    if (aloud.textContent !== data.words.aloud) aloud.textContent = data.words.aloud;
    view.dispatch(CM.setDiagnostics(view.state, data.problems.map(placed)));
  }

  function placed({ line, from, to, level, message }) {
    const row = view.state.doc.line(Math.min(line, view.state.doc.lines));
    const start = row.from + Math.min(from, row.length);
    return { from: start, to: Math.max(start, row.from + Math.min(to, row.length)), severity: level, message };
  }

  const named = (label) => CM.EditorView.contentAttributes.of({
    "aria-label": label, "aria-describedby": "draft-hint draft-problems", "data-gramm": "false", tabindex: "0",
  });

  function tab(view) {
    if (view.state.selection.ranges.some((range) => !range.empty)) return CM.indentMore(view);
    view.dispatch(view.state.replaceSelection("  "), { scrollIntoView: true, userEvent: "input" });
    return true;
  }

  const colours = CM.HighlightStyle.define([
    { tag: [CM.tags.definition(CM.tags.propertyName), CM.tags.propertyName], color: "var(--st-link-color)", fontWeight: "600" },
    { tag: CM.tags.comment, color: "color-mix(in srgb, var(--st-text-color) 66%, transparent)" },
    { tag: CM.tags.string, color: "var(--st-green-text-color)" },
    { tag: [CM.tags.punctuation, CM.tags.separator, CM.tags.special(CM.tags.string)], color: "var(--st-violet-text-color)" },
  ]);

  function state(doc) {
    return CM.EditorState.create({
      doc,
      extensions: [
        CM.lineNumbers(), CM.lintGutter(), CM.highlightActiveLine(), CM.highlightActiveLineGutter(), CM.history(),
        CM.drawSelection(), CM.EditorView.lineWrapping, CM.yaml(), CM.syntaxHighlighting(colours),
        CM.indentUnit.of("  "), CM.EditorState.tabSize.of(2), names.of([]),
        CM.keymap.of([
          { key: "Tab", run: tab, shift: CM.indentLess },
          { key: "Mod-s", run: () => (send(), true), preventDefault: true },
          { key: "F8", run: CM.nextDiagnostic },
          ...CM.historyKeymap, ...CM.defaultKeymap,
        ]),
        CM.EditorView.updateListener.of((update) => {
          if (update.docChanged && !update.transactions.some((one) => one.annotation(fromPage))) typed();
        }),
        CM.EditorView.domEventHandlers({
          blur: () => { send(); },
          compositionend: () => { setTimeout(() => later && show(later), 50); },
        }),
      ],
    });
  }

  const view = new CM.EditorView({ state: state(""), parent: box });
  // Single letters are shortcuts of the page around.
  box.addEventListener("keydown", (event) => event.stopPropagation());
  // What is sent between a click on a link and the other page's coming would lead back to this one.
  const pressed = (event) => {
    if (event.target.closest?.("a[href]")) leaving = Date.now() + ON_THE_WAY;
  };
  document.addEventListener("pointerdown", pressed, true);

  return {
    show,
    close() {
      clearTimeout(timer);
      document.removeEventListener("pointerdown", pressed, true);
      view.destroy();
      for (const element of [box, hint, aloud]) element.remove();
    },
  };
}
