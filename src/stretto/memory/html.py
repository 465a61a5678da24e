"""HTML and XML to readable text on the same lines: line 12 of the text holds what line 12 of the source says."""

import re
from html.parser import HTMLParser

BLOCK_END = "\u2029"
"""Ends a block of the text (Unicode's paragraph separator), because several blocks can share one source line."""

_HIDDEN = frozenset("script style nav svg template noscript select button form math iframe".split())
_HEADING = re.compile(r"<h[1-4][\s>]", re.IGNORECASE)
"""Where the body has a title of its own, that of the window would only repeat it."""
_LEVELS = {"title": 1, "h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_ITEMS = frozenset("li dd listitem".split())
_BLOCKS = frozenset(
    "p div section article main header footer aside ul ol dl dt table thead tbody blockquote body html hr figure "
    "figcaption details summary address fieldset caption para simpara sect1 sect2 sect3 chapter itemizedlist".split()
)
_VOID = frozenset("br hr img input link meta col area base embed source track wbr".split())


def html_text(source: str) -> str:
    """Return the readable text of `source` with its line numbers kept.

    Blocks end with `BLOCK_END` and begin with a marker: `# ` (one to six) for headings, `- ` for list items, `| ` for
    table rows with cells divided by ` | `, four spaces for preformatted text. Scripts, styles and navigation are left
    out.
    """
    reader = _Reader(titled=_HEADING.search(source) is not None)
    reader.feed(source)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self, *, titled: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._hides = _HIDDEN | {"title"} if titled else _HIDDEN
        self._parts: list[str] = []
        self._line = 1
        self._hidden: list[str] = []
        self._preformatted = False
        self._in_row = False

    def text(self) -> str:
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._catch_up()
        if self._hidden:
            if tag == self._hidden[-1]:
                self._hidden.append(tag)
        elif tag in self._hides or (_is_navigation(attrs) and tag not in _VOID):
            self._hidden.append(tag)
        else:
            self._open(tag)

    def handle_endtag(self, tag: str) -> None:
        self._catch_up()
        if self._hidden:
            if tag == self._hidden[-1]:
                self._hidden.pop()
        elif tag == "pre":
            self._preformatted = False
            self._parts.append(BLOCK_END)
        elif tag == "tr":
            self._in_row = False
            self._parts.append(BLOCK_END)
        elif not self._in_row and (tag in _BLOCKS or tag in _ITEMS or tag in _LEVELS):
            self._parts.append(BLOCK_END)

    def handle_data(self, data: str) -> None:
        self._catch_up()
        if self._hidden:
            return
        self._line += data.count("\n")
        self._parts.append(_tabbed(data) if self._preformatted else data)

    def _open(self, tag: str) -> None:
        if tag == "br":
            self._parts.append(" ")
        elif tag in ("td", "th", "entry"):
            self._parts.append(" | ")
        elif tag == "tr":
            self._in_row = True
            self._parts.append(BLOCK_END)
        elif self._in_row:
            self._parts.append(" ")
        elif tag == "pre":
            self._preformatted = True
            self._parts.append(f"{BLOCK_END}    ")
        elif tag in _LEVELS:
            self._parts.append(f"{BLOCK_END}{'#' * _LEVELS[tag]} ")
        elif tag in _ITEMS:
            self._parts.append(f"{BLOCK_END}- ")
        elif tag in _BLOCKS:
            self._parts.append(BLOCK_END)

    def _catch_up(self) -> None:
        """Hidden text and tags that span lines must still count as lines."""
        line = self.getpos()[0]
        if line > self._line:
            self._parts.append("\n" * (line - self._line))
            self._line = line


def _is_navigation(attrs: list[tuple[str, str | None]]) -> bool:
    return ("role", "navigation") in attrs


def _tabbed(data: str) -> str:
    return data.replace("\n", "\n    ")
