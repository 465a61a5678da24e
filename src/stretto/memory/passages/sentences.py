"""Passages cut into sentences, in the scripts that end them with a sign of their own."""

import re
from dataclasses import dataclass

from stretto.memory.passages.passage import Passage

_END = re.compile(
    r"[.!?…]+[\"'”’»)\]*_`]*(?=\s|$)"  # Latin, Cyrillic, Greek
    r"|[。！？｡]+[」』）】”]*"  # Chinese, Japanese
    r"|[।॥؟۔።։]+(?=\s|$)"  # Devanagari, Arabic, Urdu, Ethiopic, Armenian
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'])(?:e\.g|i\.e|cf|vs|viz|ca|approx|incl|esp|resp|mr|mrs|ms|dr|prof|st|no|nos|fig|figs|eq|"
    r"sec|ch|vol|pp?|ed|eds|"
    r"inc|ltd|corp|jr|sr|dept|est|min|max|z\.b|d\.h|u\.a|bzw|usw|ggf|nr|abs|vgl|p\.ex|[A-Z])\.$",
    re.IGNORECASE,
)
_CLOSERS = "」』）】”"
_CONTINUES = re.compile(r"[^\s「『（【“]")
"""What follows a closing bracket directly goes on with the sentence that the bracket stands in."""
_SHORT_ITEM = 240
"""Characters of a list item whose sentences belong together."""
_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_GAP = re.compile(rf"(?<=[{_CJK}])\s+(?=[{_CJK}])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or all of a passage that has none (a fact's value, a table's row)."""

    passage: Passage
    start: int
    """Where it begins in the passage's text, in characters."""
    end: int

    @property
    def text(self) -> str:
        """Its words, on one line."""
        return squeeze(self.passage.text[self.start : self.end])

    @property
    def first(self) -> int:
        """The line it begins on."""
        return self.passage.first + self.passage.text.count("\n", 0, self.start)

    @property
    def last(self) -> int:
        """The line it ends on."""
        return self.passage.first + self.passage.text.count("\n", 0, self.end)


def sentences(passage: Passage) -> list[Sentence]:
    """Cut `passage`; facts, rows, headings, code and short list items stay whole."""
    short_item = passage.kind == "item" and len(passage.text) <= _SHORT_ITEM
    if short_item or passage.kind in ("fact", "row", "heading", "code"):
        return [Sentence(passage, 0, len(passage.text))]
    found, start = [], 0
    for end in [*_ends(passage.text), len(passage.text)]:
        if _leaves_open(passage.text[start:end]) and not _leaves_open(passage.text[start:]):
            continue
        start += len(passage.text[start:end]) - len(passage.text[start:end].lstrip())
        if start < end:
            found.append(Sentence(passage, start, end))
        start = end
    return found


def _leaves_open(text: str) -> bool:
    """Whether emphasis, a bracket or a quotation begins in `text` and does not end in it."""
    return text.count("**") % 2 == 1 or any(
        text.count(left) > text.count(right) for left, right in ("()", "“”", "「」", "（）")
    )


def squeeze(text: str) -> str:
    """Return `text` with each run of white space as one space, and none between characters of scripts that use "
    "none."""
    return _GAP.sub("", " ".join(text.split()))


def _ends(text: str) -> list[int]:
    return [found.end() for found in _END.finditer(text) if _closes(text, found)]


def _closes(text: str, end: re.Match[str]) -> bool:
    if not end[0].startswith("."):
        return not (end[0][-1] in _CLOSERS and _CONTINUES.match(text, end.end()))
    following = text[end.end() :].lstrip()
    if following and following[0].islower():
        return False
    line = text[text.rfind("\n", 0, end.start()) + 1 : end.start()]
    counts = line.strip().isdigit() and len(line) < 4
    return not counts and not _ABBREVIATION.search(text[max(0, end.start() - 12) : end.start() + 1])
