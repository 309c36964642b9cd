"""The inside of one paragraph, from left to right, as Markdown that Streamlit shows as it was meant.

Measured with Streamlit 1.67: react-markdown, remark-gfm, -directive, -math, -emoji, and its own replacements.
What is not code is either understood and written again in one plain form, or broken with a backslash, so that
this module and the browser cannot read the same text differently.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from html import unescape

from ui.blocks import clean

JOINER = "\u2060"
"""Word joiner: shows nothing, and keeps apart what Streamlit would replace after Markdown was read."""
MERGED = "\x01"
"""Stands in `written()` for a line end that was swallowed; `clean` text has no such character."""
PICTURE = "🖼 "

_SCHEMES = {"http", "https", "mailto", "tel"}


def _char(char: str, names: str = "") -> str:
    """A pattern for a character however it is spelled: plain, escaped, as a reference."""
    code = ord(char)
    return rf"(?:\\?{char}|&\#0*{code};|&\#[xX]0*(?:{code:x}|{code:X});{names})"


_LT, _GT, _EQ = _char("<", "|&lt;|&LT;"), _char(">", "|&gt;|&GT;"), _char("=", "|&equals;")
_DASH, _TILDE, _COLON = _char("-"), _char("~"), _char(":", "|&colon;")
_ATOM = re.compile("|".join((_LT, _GT, _EQ, _DASH, _TILDE)))
_ARROW = (
    rf"(?<![\w<>=~-])(?:{_LT}{_DASH}(?:{_GT})?|{_DASH}{_GT}|{_DASH}{_DASH}|(?:{_GT}|{_LT}|{_TILDE}){_EQ})"
    r"(?![\w<>=~-])"
)
_TOKEN = re.compile(
    rf"""(?P<ticks>`+)
    |(?P<tex>\\[\[(])
    |(?P<arrow>{_ARROW})
    |(?P<colon>{_COLON})
    |(?P<escape>\\[\s\S]?)
    |(?P<dollars>\$+)
    |(?P<image>!+)
    |(?P<open>\[+)
    |(?P<close>\])
    |(?P<url>(?:[hH][tT]{{2}}[pP][sS]?://|[wW]{{3}}\.)(?:[\w\-.~/?\#@&()+,;=%]|:(?=//|\d+(?:[/?\#\s]|$)))*)
    |(?P<less><)
    |(?P<tildes>~+)
    |(?P<strong>(?<!\*)\*\*(?!\*))""",
    re.X,
)
_SHORTCODE = re.compile(rf"(?!(?!100:|1234:)\d+:)(?:[\w+-]|&\#?\w{{1,8}};|\\[+_-])+{_COLON}|material/", re.A)
_NAME = re.compile(r"[^\s!-/:-@\[-`{-~]")
_AUTOLINK = re.compile(r"<(?:(?:https?|mailto|tel):[^\s<>`\[\]|]*|[\w.+-]+@[\w.-]+)>", re.I | re.A)
_FLAT = r"\\\S|[^\s()\\<`]"
_TARGET = rf"<(?:\\.|[^<>\n\\])*+>|(?:{_FLAT}|\((?:{_FLAT}|\((?:{_FLAT})*+\))*+\))*+"
_TITLE = r"""(?:"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+'|\((?:\\.|[^()\\])*+\))"""
_RESOURCE = re.compile(rf"\(\s*+({_TARGET})(?:\s++({_TITLE}))?+\s*+\)", re.S)
_PLAIN_TITLE = re.compile(r'"[^"\\`<&\[\]\n]*"')
_REFERENCE = re.compile(r"\[([^\[\]\\]{0,400})\]")
_FOOTNOTE = re.compile(r"\[\^[\w-]+\]")
_INLINE_MATH = re.compile(r"((?:[^$\\]|\\[\s\S])++)\$(?!\$)")
_DISPLAY_MATH = re.compile(r"((?:[^$\\]|\\[\s\S]|(?<!\$)\$(?!\$))++)\$\$(?!\$)")
_TEX = {
    "\\(": (re.compile(r"((?:[^\\]|\\[^()])*+)\\([()])"), ")", "$"),
    "\\[": (re.compile(r"((?:[^\\]|\\[^\[\]])*+)\\([\[\]])"), "]", "$$"),
}


def plain(text: str) -> str:
    """The characters of a name, a label or an error, on one line, with no Markdown to be seen in them."""
    text = " ".join(clean(text).split())
    text = re.sub(_ARROW, lambda arrow: _apart(arrow[0]), text)
    text = re.sub(r":(?=[\w+-]+:)", ":" + JOINER, text, flags=re.A)
    # The backslash is enough for the slash of :material/name:, which is so shown that a copy of it is clean.
    return re.sub(r"[!-/:-@\[-`{-~]", r"\\\g<0>", text)


def inline(text: str, definitions: dict[str, str]) -> str:
    """One paragraph, heading or table cell; `definitions` are the targets of its reference images."""
    return _Inline(text, definitions).written()


def ends_formula(opener: str, line: str) -> bool | None:
    """Whether a line ends the formula that `$$` or `\\[` began; None if another begins first."""
    if opener == "$$":
        return "$$" in line
    found = _TEX[opener][0].match(line)
    return False if found is None else (found[2] == "]" or None)


def label(text: str) -> str:
    """A reference's name as Markdown compares it."""
    return " ".join(text.split()).casefold()


def is_allowed(target: str) -> bool:
    """Whether a link leads to a page, a mail, a number or somewhere in this place."""
    target = re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", unescape(target.strip("<>")))
    scheme = re.match(r"\s*([^/?#]*?):", target)
    return scheme is None or scheme[1].casefold() in _SCHEMES


class _Inline:
    """Writes token by token; each method takes a token and its place, and returns where to read on."""

    def __init__(self, text: str, definitions: dict[str, str]) -> None:
        self.text, self.definitions = text, definitions
        self.out: list[str] = []
        self.opened: list[tuple[int, int] | None] = []
        """For each open `[`: nothing for a link, the place in `out` and in `text` for an image."""
        self.runs: dict[int, list[int]] | None = None
        """Where runs of backticks begin, by their length."""
        self.formula = -1
        self.strong = False

    def written(self) -> str:
        text, at = self.text, 0
        while token := _TOKEN.search(text, at):
            if token.start() > at:
                self.out.append(text[at : token.start()])
            at = getattr(self, f"_{token.lastgroup}")(token[0], token.start(), token.end())
        self.out.append(text[at:])
        return "".join(self.out)

    def _write(self, text: str, end: int, lines: int = 0) -> int:
        self.out.append(text + MERGED * lines)
        return end

    def _ticks(self, run: str, start: int, end: int) -> int:
        if self.runs is None:
            self.runs = {}
            for match in re.finditer("`+", self.text):
                self.runs.setdefault(len(match[0]), []).append(match.start())
        same = self.runs.get(len(run), [])
        after = bisect_right(same, start)
        if after < len(same):
            code = self.text[start : same[after] + len(run)]
            # A line that could begin another block would cut the code in two.
            if not re.search(r"\n(?![^\W\d_])", code):
                return self._write(code, start + len(code))
        return self._write("\\`" * len(run), end)

    def _tex(self, opener: str, start: int, end: int) -> int:
        pattern, closer, mark = _TEX[opener]
        match = pattern.match(self.text, end)
        if match and match[2] == closer and (mark == "$$" or not re.search(r"(?<!\\)\$", match[1])):
            return self._formula(mark, match[1], match.end()) or self._write(opener, end)
        return self._write(opener, end)

    def _dollars(self, run: str, start: int, end: int) -> int:
        text, match = self.text, None
        if run == "$$":
            match = _DISPLAY_MATH.match(text, end)
        elif run == "$" and not re.match(r"[A-Za-z]", text[start - 1 : start]):
            match = _INLINE_MATH.match(text, end)
            if match and (match[1] != match[1].strip() or re.match(r"[A-Za-z0-9]", text[match.end() :][:1])):
                match = None
        return (match and self._formula(run, match[1], match.end())) or self._write("\\$" * len(run), end)

    def _formula(self, mark: str, body: str, end: int) -> int:
        tex = " ".join(body.replace("\\$", "\\text{\\textdollar}").split())
        if not tex or "`" in tex or "$$" in tex:
            return 0
        # Should Streamlit take it for prose after all, it still holds no image, link or mark.
        tex = re.sub(r"!(?=\[)|\](?=\()|:(?=\S)|^(?=\$)|(?<=\$)$", r"\g<0> ", tex)
        apart = JOINER if self.formula == len(self.out) else ""
        self._write(f"{apart}{mark}{tex}{mark}", end, body.count("\n"))
        self.formula = len(self.out)
        return end

    def _arrow(self, arrow: str, start: int, end: int) -> int:
        return self._write(_apart(arrow), end)

    def _colon(self, colon: str, start: int, end: int) -> int:
        mark = "\\:" if len(colon) < 3 else colon
        if _SHORTCODE.match(self.text, end):
            return self._write(mark + JOINER, end)
        named = _NAME.match(self.text, end) or self.text[start - 1 : start] == "]"
        return self._write(mark if named else colon, end)

    def _escape(self, pair: str, start: int, end: int) -> int:
        return self._write(pair, end)

    def _image(self, bangs: str, start: int, end: int) -> int:
        if not self.text.startswith("[", end):
            return self._write(bangs, end)
        self.opened.append((len(self.out), end + 1))
        return self._write("\\!" * len(bangs) + "[", end + 1)

    def _open(self, run: str, start: int, end: int) -> int:
        self.opened.extend([None] * len(run))
        if self.text.startswith("^", end) and not _FOOTNOTE.match(self.text, end - 1):
            return self._write(run[:-1] + "\\[", end)
        return self._write(run, end)

    def _close(self, mark: str, start: int, end: int) -> int:
        text = self.text
        opener = self.opened.pop() if self.opened else None
        found = _RESOURCE.match(text, end) if text.startswith("(", end) else None
        if opener and found:
            return self._picture(opener, start, found[1], found.end())
        if opener:
            named = _REFERENCE.match(text, end)
            name = named[1] if named and named[1].strip() else text[opener[1] : min(start, opener[1] + 400)]
            if target := self.definitions.get(label(name)):
                return self._picture(opener, start, target, named.end() if named else end)
        if not text.startswith("(", end):
            return self._write(mark, end)
        if not found or not is_allowed(found[1]):
            return self._write("]\\(", end + 1)
        title = f" {found[2]}" if found[2] and _PLAIN_TITLE.fullmatch(found[2]) else ""
        return self._write(f"]({_target(found[1])}{title})", found.end(), found[0].count("\n"))

    def _picture(self, opener: tuple[int, int], close: int, target: str, after: int) -> int:
        place, begin = opener
        bangs = self.out[place][2:-1]
        alt = plain(self.text[begin : min(close, begin + 200)])
        words = PICTURE + (f"{alt} ({_origin(target)})" if alt else _origin(target))
        inert = self.opened or not re.match(r"<?https?://", target, re.I)
        del self.out[place:]
        words = words if inert else f"[{words}]({_target(target)})"
        return self._write(bangs + words, after, self.text.count("\n", begin, after))

    def _url(self, url: str, start: int, end: int) -> int:
        after = self.text[end : end + 1]
        if not after or after.isspace() or after == "<":
            return self._write(url, end)
        if url[0] in "wW":
            return self._write(url[:3] + "\\" + url[3:], end)
        if after.isascii() or self.opened or not _is_mark(after):
            # As text, so that it ends where this module sees it end; Streamlit links it all the same.
            return self._write(url.replace("://", "\\://", 1), end)
        bare = url.rstrip(".,;:?)_~")
        return self._write(f"<{bare}>{url[len(bare) :]}", end)

    def _less(self, mark: str, start: int, end: int) -> int:
        link = _AUTOLINK.match(self.text, start)
        if link and not re.search(r":[\w+-]+:", link[0]):
            return self._write(link[0], link.end())
        return self._write("\\<" if re.match(r"[A-Za-z/!?]", self.text[end : end + 1]) else "<", end)

    def _tildes(self, run: str, start: int, end: int) -> int:
        return self._write(run if len(run) == 2 else "\\~" * len(run), end)

    def _strong(self, mark: str, start: int, end: int) -> int:
        """Bold beside Chinese punctuation, which CommonMark's rule for words with spaces does not see."""
        before, after = self.text[start - 1 : start] if start else " ", self.text[end : end + 1] or " "
        self.strong = not self.strong
        inner, outer = (after, before) if self.strong else (before, after)
        if _is_mark(inner) and outer.isalnum() and not (inner.isascii() and outer.isascii()):
            return self._write(mark + JOINER if self.strong else JOINER + mark, end)
        return self._write(mark, end)


def _apart(arrow: str) -> str:
    first = _ATOM.match(arrow)
    return first[0] + JOINER + arrow[first.end() :] if first else arrow


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"


def _target(target: str) -> str:
    """A link's target in characters that mean nothing else."""
    target = re.sub(r"\s", "%20", re.sub(r"\\(?=[\[\]`|\s])", "", target))
    return target.translate({ord(char): f"%{ord(char):02X}" for char in "[]`|"})


def _origin(target: str) -> str:
    """What a reader should know of where an image comes from: its host, or the kind of its address."""
    target = unescape(target.strip("<>"))
    host = re.match(r"https?:[/\\]*(?:[^/\\?#]*@)?([^/\\?#]+)", target, re.I)
    return plain(host[1] if host else target.split(",")[0][:60])
