"""Markdown, reStructuredText and plain text, cut by their blocks: one cutter, for the three share most of "
"their signs."""

import re
from dataclasses import replace

from stretto.memory.passages.headings import Headings
from stretto.memory.passages.passage import Passage, PassageKind
from stretto.memory.passages.signs import (
    ARGUMENT,
    ARGUMENTS,
    ATTRIBUTE,
    ATX,
    BADGES,
    CJK_KEY_VALUE,
    CODED,
    DELIMITER,
    DESCRIBING,
    DIRECTIVE,
    FENCE,
    FIELD,
    GRID_TABLE,
    ITEM,
    KEY_VALUE,
    LETTER,
    LINK_TARGET,
    LONGEST_LISTING,
    NAMED_DIRECTIVE,
    NUMBERED_TITLE,
    PARAGRAPH_SPACE,
    QUOTED,
    REMARKS,
    SIMPLE_TABLE,
    SPEAKING,
    SYMBOL,
    TABLE_RULE,
    TAG,
    TERM,
    UNDERLINE,
)


def cut_prose(path: str, lines: list[str], *, markup: str, first: int = 1) -> list[Passage]:
    """Cut `lines`, the first of which has the number `first`, of a document in `markup` (markdown, rst or text)."""
    cutter = _Cutter(path, lines, markup, first)
    cutter.run()
    return cutter.passages


def as_fact(passage: Passage) -> Passage:
    """Return `passage` as a fact if it reads `key: value` (`License: MIT`), else unchanged."""
    if ":" not in passage.text and "：" not in passage.text:
        return passage
    found = KEY_VALUE.fullmatch(passage.text) or CJK_KEY_VALUE.fullmatch(passage.text)
    if not found or found[1].lower() in REMARKS or found[2].startswith("//") or len(found[1].split()) > 4:
        return passage
    return replace(passage, kind="fact", label=found[1].strip(), text=found[2].strip())


def reads_as_prose(text: str) -> bool:
    """Whether `text` is language rather than code, numbers or lists of names."""
    words = text.split()
    spoken = sum(LETTER.search(word) is not None and not CODED.match(word) for word in words)
    symbols = len(SYMBOL.findall(text))
    return spoken >= 0.6 * len(words) and symbols <= 0.25 * len(text)


class _Cutter:
    def __init__(self, path: str, lines: list[str], markup: str, first: int) -> None:
        self.passages: list[Passage] = []
        self._path = path
        self._lines = lines
        self._markup = markup
        self._first = first
        self._at = 0
        self._headings = Headings()
        self._underlines: list[str] = []
        self._in_list = False
        self._lead = ""
        self._literal_follows = False

    def run(self) -> None:
        takers = (
            self._blank,
            self._fence,
            self._listing,
            self._term,
            self._overlined,
            self._atx,
            self._underlined,
            self._comment,
            self._noise,
            self._directive,
            self._field,
            self._table,
            self._simple_table,
            self._grid_table,
            self._numbered_title,
            self._item,
            self._indented,
            self._lone_title,
        )
        while self._at < len(self._lines):
            if not any(take() for take in takers):
                self._paragraph()

    # Each taker looks at the current line; if the line begins its kind of block, it takes the block and returns True.

    def _blank(self) -> bool:
        if self._line().strip() and not self._goes_on():
            return False
        self._at += 1
        return True

    def _goes_on(self) -> bool:
        """In AsciiDoc a plus sign alone on its line joins two paragraphs, and brackets say what follows."""
        line = self._line()
        return self._markup == "text" and (line.strip() == "+" or ATTRIBUTE.match(line) is not None)

    def _listing(self) -> bool:
        """A rule that is shorter than the text below it is no title's, and one that comes again ends what it began."""
        rule = self._line()
        if self._markup != "text" or not DELIMITER.match(rule) or not self._line(1).strip():
            return False
        ahead = self._lines[self._at + 1 : self._at + LONGEST_LISTING]
        if rule not in ahead or (ahead.index(rule) == 1 and len(ahead[0]) <= len(rule) and ahead[0][0].isalnum()):
            return False
        self._emit("code", self._at, ahead[: ahead.index(rule)], offset=1)
        self._at += 2 + ahead.index(rule)
        return True

    def _term(self) -> bool:
        if self._markup != "text" or not TERM.match(self._line()) or not self._line(1).strip():
            return False
        self._heading(8, self._line().rstrip(":"), self._at)
        self._at += 1
        return True

    def _fence(self) -> bool:
        fence = FENCE.match(self._line())
        if not fence:
            return False
        start = self._at
        self._at += 1
        while self._at < len(self._lines) and not self._line().strip().startswith(fence[1]):
            self._at += 1
        self._at += 1
        self._emit("code", start, self._lines[start + 1 : self._at - 1], offset=1)
        return True

    def _overlined(self) -> bool:
        rule = UNDERLINE.match(self._line())
        if not rule or not (self._line(1).strip() and UNDERLINE.match(self._line(2)) and self._line(2)[0] == rule[1]):
            return False
        self._heading(self._underline_level(rule[1] * 2), self._line(1).strip(), self._at + 1)
        self._at += 3
        return True

    def _atx(self) -> bool:
        found = ATX.match(self._line()) if self._markup == "markdown" else None
        if not found:
            return False
        self._heading(len(found[1]), found[2], self._at)
        self._at += 1
        return True

    def _underlined(self) -> bool:
        title, rule = self._line(), UNDERLINE.match(self._line(1))
        if not rule or not title.strip() or title[0].isspace() or len(title) > 100 or self._opens_block():
            return False
        if len(self._line(1).strip()) < 0.5 * len(title) or (self._markup == "markdown" and rule[1] not in "=-"):
            return False
        self._heading(self._underline_level(rule[1]), title.strip(), self._at)
        self._at += 2
        return True

    def _comment(self) -> bool:
        if not self._line().lstrip().startswith("<!--"):
            return False
        while self._at < len(self._lines) and "-->" not in self._line():
            self._at += 1
        self._at += 1
        return True

    def _noise(self) -> bool:
        line = self._line()
        tags_only = line.lstrip().startswith("<") and len(TAG.sub(" ", line).split()) < 3
        ruled = UNDERLINE.match(line.strip()) is not None or not any(char.isalnum() for char in line)
        if not (tags_only or ruled or BADGES.match(line) or LINK_TARGET.match(line)):
            return False
        self._at += 1
        return True

    def _directive(self) -> bool:
        if self._markup == "markdown" or not DIRECTIVE.match(self._line()):
            return False
        named = NAMED_DIRECTIVE.match(self._line())
        indent, start = _indent(self._line()), self._at
        name = named[1].rpartition(":")[2] if named else ""
        self._at += 1
        if named and name in DESCRIBING:
            self._heading(8, named[2] or name, start)
        elif name not in SPEAKING:
            self._skip_deeper(indent)
        return True

    def _field(self) -> bool:
        found = FIELD.match(self._line()) or (self._in_arguments() and ARGUMENT.match(self._line()))
        if not found or self._markup == "markdown":
            return False
        indent, start = _indent(self._line()), self._at
        self._at += 1
        more = self._deeper_lines(indent)
        self._emit("fact", start, [found[2], *more], label=found[1])
        return True

    def _in_arguments(self) -> bool:
        """Below `Args:`, as docstrings in Google's style have it."""
        known = bool(self.passages) and self.passages[-1].kind == "fact" and self._line(-1).strip() != ""
        return self._markup == "rst" and (known or self._line(-1).strip() in ARGUMENTS)

    def _table(self) -> bool:
        if "|" not in self._line() or not TABLE_RULE.match(self._line(1)):
            return False
        header = _cells(self._line())
        self._at += 2
        while "|" in self._line() and self._line().strip():
            self._emit("row", self._at, [_cells(self._line())], label=header)
            self._at += 1
        return True

    def _simple_table(self) -> bool:
        if not SIMPLE_TABLE.match(self._line()):
            return False
        header = re.sub(r"\s{2,}", " | ", self._line(1).strip()) if SIMPLE_TABLE.match(self._line(2)) else ""
        self._at += 3 if header else 1
        while self._line().strip() and not SIMPLE_TABLE.match(self._line()):
            self._emit("row", self._at, [self._line().strip()], label=header)
            self._at += 1
        self._at += 1
        return True

    def _grid_table(self) -> bool:
        if not GRID_TABLE.match(self._line()):
            return False
        start = self._at
        while self._line().strip():
            self._at += 1
        self._emit("code", start, self._lines[start : self._at])
        return True

    def _numbered_title(self) -> bool:
        """`2. Scope` between empty lines is a title unless the next line goes on counting."""
        line = self._line().strip()
        ahead = next((self._line(step) for step in (1, 2) if self._line(step).strip()), "")
        alone = not self._line(-1).strip() and (not self._line(1).strip() or self._line(1).startswith(PARAGRAPH_SPACE))
        counts_on = not ahead or ITEM.match(ahead) is not None
        if self._markup == "markdown" or not alone or counts_on or len(line) > 60 or line[-1] in ".。:;,!?":
            return False
        if not NUMBERED_TITLE.match(self._line()):
            return False
        self._heading(6, line, self._at)
        self._at += 1
        return True

    def _item(self) -> bool:
        marker = ITEM.match(self._line())
        if not marker:
            return False
        start, indent = self._at, len(marker[1])
        body = [self._line()[marker.end() :]]
        self._at += 1
        while self._continues_item(indent):
            body.append(self._line())
            self._at += 1
        self._in_list = True
        self._emit("item", start, body, label=self._lead)
        return True

    def _indented(self) -> bool:
        indented = _indent(self._line()) >= (2 if self._literal_follows else 4)
        if not indented or (self._in_list and not self._literal_follows):
            return False
        start, literal = self._at, self._literal_follows
        block = self._deeper_lines(-1 if not literal else 0, through_blanks=literal)
        known = self._markup == "markdown" or literal
        self._emit("code" if known or not reads_as_prose(" ".join(block)) else "prose", start, block)
        self._literal_follows = False
        return True

    def _lone_title(self) -> bool:
        line = self._line().strip()
        alone = not self._line(1).strip() and (self._at == 0 or not self._line(-1).strip())
        if self._markup == "markdown" or not alone or not 3 <= len(line) <= 70 or line[-1] in ".。:;,!?":
            return False
        if not (line.isupper() or NUMBERED_TITLE.match(line) or not self.passages) or not reads_as_prose(line):
            return False
        self._heading(7, line, self._at)
        self._at += 1
        return True

    def _paragraph(self) -> None:
        start = self._at
        body: list[str] = []
        while self._line().strip() and not (body and self._ends_paragraph(body)):
            body.append(QUOTED.sub("", self._line()))
            self._at += 1
            if body and UNDERLINE.match(self._line(1)) and self._at < len(self._lines) and not self._line(2).strip():
                break
        self._in_list = self._in_list and _indent(body[0]) > 0
        self._literal_follows = self._markup != "markdown" and body[-1].rstrip().endswith("::")
        self._lead = _last_sentence(" ".join(body)) if body[-1].rstrip().endswith((":", "：")) else ""
        self._emit_paragraph(start, body)

    def _ends_paragraph(self, body: list[str]) -> bool:
        """A paragraph ends where another block begins, or where `key: value` lines begin or end."""
        line = self._line()
        quoted = QUOTED.match(line) is not None
        if (
            self._goes_on()
            or body[-1].strip() in ARGUMENTS
            or self._opens_block()
            or line.startswith(PARAGRAPH_SPACE)
            or quoted != bool(QUOTED.match(self._line(-1)))
        ):
            return True
        if self._is_fact(line):
            return body[-1].rstrip().endswith((".", "。", "!", "?"))
        return not line.lstrip()[0].islower() and all(self._is_fact(each) for each in body)

    def _is_fact(self, line: str) -> bool:
        return as_fact(Passage(self._path, "prose", 0, line.strip())).kind == "fact"

    def _emit_paragraph(self, start: int, body: list[str]) -> None:
        each = [as_fact(Passage(self._path, "prose", 0, line.strip())) for line in body]
        if all(passage.kind == "fact" for passage in each):
            for offset, passage in enumerate(each):
                self._emit("fact", start + offset, [passage.text], label=passage.label)
        else:
            self._emit("prose" if reads_as_prose(" ".join(body)) else "code", start, body)

    def _emit(self, kind: PassageKind, start: int, body: list[str], *, label: str = "", offset: int = 0) -> None:
        text = "\n".join(line.strip() for line in body).rstrip()
        if not text.strip():
            return
        skipped = len(text) - len(text.lstrip("\n"))
        passage = Passage(
            self._path, kind, self._first + start + offset + skipped, text.lstrip("\n"), self._headings.path, label
        )
        self.passages.append(as_fact(passage) if kind == "item" else passage)
        if kind != "item":
            self._lead = self._lead if kind == "prose" else ""

    def _heading(self, level: int, title: str, at: int) -> None:
        self._headings.enter(level, title)
        self._in_list, self._lead, self._literal_follows = False, "", False
        self.passages.append(Passage(self._path, "heading", self._first + at, title, self._headings.path))

    def _underline_level(self, sign: str) -> int:
        """A sign's level is the order in which the document first uses it (docutils' rule)."""
        if self._markup == "markdown":
            return 1 if sign[0] == "=" else 2
        if sign not in self._underlines:
            self._underlines.append(sign)
        return 1 + self._underlines.index(sign)

    def _line(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._lines[at] if 0 <= at < len(self._lines) else ""

    def _opens_block(self) -> bool:
        special = ATX if self._markup == "markdown" else DIRECTIVE
        return any(sign.match(self._line()) for sign in (special, FENCE, ITEM, BADGES))

    def _continues_item(self, indent: int) -> bool:
        line = self._line()
        if not line.strip() or self._opens_block() or line.startswith(PARAGRAPH_SPACE):
            return False
        return _indent(line) > indent or self._markup == "markdown"

    def _skip_deeper(self, indent: int) -> None:
        while self._at < len(self._lines) and (not self._line().strip() or _indent(self._line()) > indent):
            self._at += 1

    def _deeper_lines(self, indent: int, *, through_blanks: bool = False) -> list[str]:
        taken = []
        while self._at < len(self._lines) and (
            (self._line().strip() and _indent(self._line()) > indent and not self._goes_on())
            or (through_blanks and not self._line().strip())
        ):
            taken.append(self._line())
            self._at += 1
        return taken


def _last_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?。])\s+", " ".join(text.split()))[-1]


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def _cells(line: str) -> str:
    return line.strip().strip("|").strip()
