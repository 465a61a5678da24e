"""Which cutter reads which kind of document."""

import csv
import io
from collections.abc import Iterator

from stretto.memory.documents import Document
from stretto.memory.html import BLOCK_END
from stretto.memory.passages.code import cut_code
from stretto.memory.passages.facts import cut_data, cut_metadata
from stretto.memory.passages.headings import Headings
from stretto.memory.passages.passage import Passage, PassageKind
from stretto.memory.passages.prose import cut_prose


def cut(document: Document) -> list[Passage]:
    """Return the passages of `document` in their order. Empty lines and pure decoration belong to none."""
    match document.kind:
        case "markdown" | "rst" | "text":
            return cut_prose(document.path, document.lines, markup=document.kind)
        case "metadata":
            return cut_metadata(document.path, document.lines)
        case "data":
            return cut_data(document.path, document.lines)
        case "code":
            return cut_code(document.path, document.lines)
        case "html":
            return list(_html_passages(document))
        case "table":
            return list(_table_passages(document))


_PERMALINKS = "#¶ "
_HTML_MARKERS: tuple[tuple[str, PassageKind], ...] = (("    ", "code"), ("- ", "item"), ("| ", "row"))


def _html_passages(document: Document) -> Iterator[Passage]:
    headings = Headings()
    line = 1
    for block in document.text.split(BLOCK_END):
        body = block.lstrip("\n \t") if not block.lstrip("\n").startswith("    ") else block.lstrip("\n")
        first = line + block[: len(block) - len(body)].count("\n")
        line += block.count("\n")
        text = "\n".join(part.strip() for part in body.rstrip().split("\n"))
        if not text.strip("#-| \n"):
            continue
        if text.startswith("#") and (title := text.lstrip("#")).startswith(" "):
            level, title = len(text) - len(title), title.strip().rstrip(_PERMALINKS)
            headings.enter(level, " ".join(title.split()))
            yield Passage(document.path, "heading", first, title, headings.path)
        else:
            yield _html_passage(document.path, first, body, text, headings.path)


def _html_passage(path: str, first: int, body: str, text: str, section: tuple[str, ...]) -> Passage:
    for marker, kind in _HTML_MARKERS:
        if body.startswith(marker):
            return Passage(path, kind, first, text.removeprefix(marker.strip()).strip(" |"), section)
    return Passage(path, "prose", first, text, section)


def _table_passages(document: Document) -> Iterator[Passage]:
    separator = "\t" if document.path.endswith("tsv") else ","
    lines = document.lines
    header = " | ".join(next(csv.reader(io.StringIO(lines[0]), delimiter=separator), []))
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            yield Passage(document.path, "row", number, line.strip(), label=header)
