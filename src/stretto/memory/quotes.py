"""Quotes: whether they stand in their source, whether they can stand alone, whether two say the same, and "
"which to choose."""

import bisect
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from stretto.memory.conflicts import negated, numbers, opposed
from stretto.memory.documents import Document
from stretto.memory.html import BLOCK_END
from stretto.memory.passages import Passage, Sentence, sentences, squeeze
from stretto.memory.tokens import terms

REPETITION = 0.7
"""From this similarity on, two quotes say the same in other words at most."""

_CONTAINED = 0.85
"""The share of a text's words from which on another that has them says as much."""
_FEW = 3
"""So few words are in many texts by chance."""
_NEARLY = 0.5
"""How similar two texts count that are alike but for a number or a negation."""
_LINE_MARKERS = re.compile(r"^\s*(?:[>#*;%|+-]+|//+!?|/\*+|\d+[.)]|\.\.)\s*|\s*\*/\s*$", re.MULTILINE)
_EMPTY = re.compile(rf"[\s{BLOCK_END}]+")
_DANGLING = re.compile(
    r"\W*(this|that|these|those|it|its|they|their|he|she|him|her|them|such|the (?:latter|former|above|following|"
    r"same)|above|"
    r"however|therefore|thus|hence|moreover|furthermore|otherwise|instead|likewise|also|but|so|then|and|or|"
    r"nevertheless|consequently|similarly|as (?:such|above|before|you can see)|for this|in (?:this|that|these|"
    r"those|such)|on top of that|"
    r"in (?:fact|addition)|because of (?:this|that)|after that|the (?:other|first|second|last) (?:one|two|three|"
    r"case)s?|both|neither|"
    r"well|even (?:then|so)|that said|apart from that|to do (?:so|this|that)|if (?:so|not|this|that)|"
    r"dies(?:e[rsmn]?)?|daher|jedoch|cela|ceci|ce dernier|esto|este|ello|"
    r"это|этот|эти|он|она|они)\b\s*(\w*)\s*(\w*)"
    r"|\W*(これ|それ|あれ|これら|それら|前者|後者|上記|しかし|また|そのため|したがって|ただし|这|该|它|此|然而|因此|但是)",
    re.IGNORECASE,
)
_SELF = frozenset(
    "package library module document documentation file page project tool program software section guide "
    "licence license readme "
    "manual chapter policy report directory folder repository plugin extension framework release version "
    "agreement function "
    "class method script command option site book tutorial specification standard work product service".split()
)
"""`This package ...` speaks of the document's own subject and needs nothing before it."""
_EMPTY_IT = re.compile(
    r"\W*it (?:is|'s) (?:\w+ )?(?:possible|recommended|necessary|important|advised|allowed|"
    r"required|best)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Enclosing:
    """The fewest neighbouring sentences of one passage that hold a quote."""

    passage: Passage
    around: tuple[Sentence, ...]
    before: tuple[Sentence, ...]
    """The sentences of the passage before them."""

    @property
    def text(self) -> str:
        """The sentences, on one line."""
        return squeeze(self.passage.text[self.around[0].start : self.around[-1].end])


def enclosing(passages: Iterable[Passage], text: str, first: int, last: int) -> Enclosing | None:
    """Return what encloses `text` among the passages on the lines `first` to `last`, or None if none of them "
    "holds it."""
    for passage in passages:
        if passage.first <= last and passage.last >= first and text in squeeze(passage.text):
            return _narrowed(passage, text)
    return None


def _narrowed(passage: Passage, text: str) -> Enclosing:
    cut = sentences(passage)
    start, end = 0, len(cut)
    while start + 1 < end and text in squeeze(passage.text[cut[start + 1].start : cut[end - 1].end]):
        start += 1
    while end - 1 > start and text in squeeze(passage.text[cut[start].start : cut[end - 2].end]):
        end -= 1
    return Enclosing(passage, tuple(cut[start:end]), tuple(cut[:start]))


def find_quote(document: Document, text: str) -> tuple[int, int] | None:
    """Return the first and last line where `text` stands in `document`, word for word but for white space, or "
    "None."""
    lines = document.lines
    return _find(lines, text) or _find([_LINE_MARKERS.sub("", line) for line in lines], text)


def stands_at(document: Document, text: str, first: int, last: int) -> bool:
    """Whether `text` stands on the lines `first` to `last` of `document`, word for word but for white space."""
    lines = document.lines
    if not 1 <= first <= last <= len(lines):
        return False
    there = lines[first - 1 : last]
    return bool(_find(there, text) or _find([_LINE_MARKERS.sub("", line) for line in there], text))


def _find(lines: Sequence[str], text: str) -> tuple[int, int] | None:
    """Search without white space, so that a quote may cross line ends, then compare the words."""
    needle = _EMPTY.sub("", text)
    if not needle:
        return None
    starts, dense, size = [], [], 0
    for line in lines:
        starts.append(size)
        dense.append(_EMPTY.sub("", line))
        size += len(dense[-1])
    at = "".join(dense).find(needle)
    if at < 0:
        return None
    first = bisect.bisect_right(starts, at)
    last = bisect.bisect_right(starts, at + len(needle) - 1)
    there = squeeze(" ".join(lines[first - 1 : last]).replace(BLOCK_END, " "))
    return (first, last) if squeeze(text) in there else None


def dangling(text: str) -> str:
    """Return the word at the beginning of `text` that points to something said before it, or nothing."""
    found = _DANGLING.match(text)
    if not found or _EMPTY_IT.match(text):
        return ""
    if found[4]:
        return found[4]
    determiner = found[1].lower() in ("this", "these", "such", "in this", "dieses", "diese")
    nouns = [found[2], found[3]] if not found[2].endswith("s") else [found[2]]
    return "" if determiner and any(noun.lower().removesuffix("s") in _SELF for noun in nouns) else found[1]


def similarity(left: Collection[str], right: Collection[str]) -> float:
    """Return how much two sets of terms share, 0 to 1: the greater of Jaccard's index and 0.9 of their "
    "containment."""
    ours, theirs = set(left), set(right)
    if not ours or not theirs:
        return 0.0
    shared = len(ours & theirs)
    fewer = min(len(ours), len(theirs))
    containment = shared / fewer if fewer > _FEW else 0.0
    return max(shared / len(ours | theirs), 0.9 * containment)


def repeats(text: str, known: str) -> bool:
    """Whether `text` says nothing that `known` has not said; with other numbers, or a negation more, it does."""
    if squeeze(text).casefold() == squeeze(known).casefold():
        return True
    ours, theirs = set(terms(text)), set(terms(known))
    contained = len(ours) > _FEW and len(ours & theirs) >= _CONTAINED * len(ours)
    alike = len(ours & theirs) >= REPETITION * len(ours | theirs)
    return (contained or alike) and not _differs(text, known)


def _differs(left: str, right: str) -> bool:
    ours, theirs = numbers(left), numbers(right)
    return (
        negated(left) != negated(right)
        or opposed(left, right)
        or any(ours[unit] != theirs[unit] for unit in ours.keys() & theirs.keys())
    )


def choose(scored: Sequence[tuple[float, str]], limit: int, *, novelty: float = 0.35) -> list[int]:
    """Return the positions of at most `limit` texts, the best first, none repeating another.

    Maximal marginal relevance (Carbonell and Goldstein, 1998): each next text has the highest score less `novelty`
    times its greatest similarity to those chosen.
    """
    known = [frozenset(terms(text)) for _, text in scored]
    nearest = [0.0] * len(scored)
    chosen: list[int] = []
    while len(chosen) < limit:
        open_ = [at for at in range(len(scored)) if at not in chosen and nearest[at] < REPETITION]
        if not open_:
            break
        best = max(open_, key=lambda at: (scored[at][0] - novelty * nearest[at], -at))
        chosen.append(best)
        for at in open_:
            alike = similarity(known[at], known[best])
            if alike >= REPETITION and _differs(scored[at][1], scored[best][1]):
                alike = _NEARLY
            nearest[at] = max(nearest[at], alike)
    return chosen
