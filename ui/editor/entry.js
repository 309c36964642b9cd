// What the editor needs of CodeMirror, handed to editor.js through the window. Bundled into codemirror.min.js.
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, nextDiagnostic, setDiagnostics } from "@codemirror/lint";
import { Annotation, ChangeSet, Compartment, EditorState } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

export default function () {
  if (window.playgroundCodeMirror) return;
  window.playgroundCodeMirror = {
    Annotation, ChangeSet, Compartment, EditorState, EditorView, HighlightStyle, defaultKeymap, drawSelection,
    highlightActiveLine, highlightActiveLineGutter, history, historyKeymap, indentLess, indentMore, indentUnit,
    keymap, lineNumbers, lintGutter, nextDiagnostic, setDiagnostics, syntaxHighlighting, tags, yaml,
  };
  window.dispatchEvent(new Event("playground-codemirror"));
}
