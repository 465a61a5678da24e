"""Key/value documents: RFC 822 headers as in `METADATA` and `debian/copyright`, and JSON, YAML, TOML and INI files."""

import re

from stretto.memory.passages.headings import Headings
from stretto.memory.passages.passage import Passage
from stretto.memory.passages.prose import cut_prose

_HEADER = re.compile(r"([A-Za-z][\w-]*):(?:\s+(.*))?$")
_PAIR = re.compile(r"""(\s*)(?:-\s+)?["']?([\w][\w .$@/-]*?)["']?\s*[:=]\s*(.*)$""")
_TABLE = re.compile(r"\[+([^\]]+)\]+\s*$")
_COMMENT = re.compile(r"\s*(?:#|;|//)\s?(.*)$")
_OPENERS = frozenset(("", "{", "[", "|", ">", "|-", ">-", "(", "[]", "{}", '"""', "'''"))


def cut_metadata(path: str, lines: list[str]) -> list[Passage]:
    """Cut stanzas of `Key: value` with indented continuations (RFC 822); what follows the last stanza is prose."""
    passages: list[Passage] = []
    at = 0
    while at < len(lines):
        end = _stanza_end(lines, at)
        if end == at:
            markup = "markdown" if any("markdown" in line for line in lines[:at] if "Content-Type" in line) else "rst"
            return passages + cut_prose(path, lines[at:], markup=markup, first=at + 1)
        passages += _headers(path, lines[at:end], at + 1)
        at = end
        while at < len(lines) and not lines[at].strip():
            at += 1
    return passages


def _stanza_end(lines: list[str], at: int) -> int:
    if not _HEADER.match(lines[at]):
        return at
    end = at
    while end < len(lines) and lines[end].strip() and (_HEADER.match(lines[end]) or lines[end][0].isspace()):
        end += 1
    return end if end == len(lines) or not lines[end].strip() else at


def _headers(path: str, lines: list[str], first: int) -> list[Passage]:
    """A value's own line is the fact; indented lines after it are prose under its key."""
    passages = []
    at = 0
    while at < len(lines):
        found = _HEADER.match(lines[at])
        end = at + 1
        while end < len(lines) and lines[end][0].isspace():
            end += 1
        if found:
            if value := (found[2] or "").strip():
                passages.append(Passage(path, "fact", first + at, value, label=found[1]))
            passages += _continuation(path, found[1], lines[at + 1 : end], first + at + 1)
        at = end
    return passages


def _continuation(path: str, key: str, lines: list[str], first: int) -> list[Passage]:
    """In Debian's files an indented dot stands for an empty line."""
    dedented = ["" if line.strip() in (".", "|") else line.strip().removeprefix("|").strip() for line in lines]
    cut = cut_prose(path, dedented, markup="text", first=first)
    return [Passage(path, passage.kind, passage.first, passage.text, (key,), passage.label) for passage in cut]


def cut_data(path: str, lines: list[str]) -> list[Passage]:
    """Cut `key: value` and `key = value` lines; nesting is read from indentation and `[tables]`, comments are kept."""
    passages = []
    headings = Headings()
    for number, line in enumerate(lines, start=1):
        if comment := _COMMENT.fullmatch(line):
            if comment[1].strip():
                passages.append(Passage(path, "comment", number, comment[1].strip(), headings.path))
        elif table := _TABLE.fullmatch(line.strip()):
            headings.enter(0, table[1])
        elif pair := _PAIR.fullmatch(line):
            depth, key, value = 1 + len(pair[1].expandtabs(4)), pair[2].strip(), _bare(pair[3])
            headings.leave(depth)
            if value in _OPENERS:
                headings.enter(depth, key)
            else:
                passages.append(Passage(path, "fact", number, value, headings.path, key))
        elif (value := _bare(line.strip().removeprefix("- "))) and any(char.isalnum() for char in value):
            passages.append(Passage(path, "item", number, value, headings.path))
    return _joined_comments(passages)


def _bare(value: str) -> str:
    value = value.strip().rstrip(",").strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _joined_comments(passages: list[Passage]) -> list[Passage]:
    joined: list[Passage] = []
    for passage in passages:
        before = joined[-1] if joined else None
        if before and before.kind == passage.kind == "comment" and before.last + 1 == passage.first:
            joined[-1] = Passage(before.path, "comment", before.first, f"{before.text}\n{passage.text}", before.section)
        else:
            joined.append(passage)
    return joined
