"""Where a word stands that a sentence is about: in its own words, or in headings and names around it."""

import re
from collections.abc import Collection, Mapping, Sequence

from stretto.memory.passages import Passage, Sentence
from stretto.memory.tokens import names, terms, words

from .library import Library

INTRODUCTION = 15
"""Lines below a heading within which what it names is introduced."""
_INTRODUCING = frozenset("name synopsis description overview introduction summary abstract about usage".split())
_MOSTLY = 0.7
"""The share of what a heading's words say that must be asked for."""
NAMING = 2
"""So many words in one name are what it names."""
_IN_TITLE, _IN_NAME, _IN_FILE, _ABOVE, _BEFORE, _IN_PATH = 0.7, 0.6, 0.7, 0.5, 0.4, 0.4
"""What a word counts that stands in the nearest heading, as a part of a name like `max_users`, in the file's name, in
the headings above, in the words before in the same passage, or in the folders' names."""
_TITLED = 0.9
"""What each counts of two or more words that stand in one heading."""
_LOOKING_BACK = 120
"""Characters."""
_PAGE = re.compile(r"\(\d\w*\)$")
"""The section of the manual, as in `git-bisect(1)`."""


def titles(sentence: Sentence, wanted: Collection[str], library: Library) -> bool:
    """Whether the sentence introduces what a heading or file of hardly more than the `wanted` words is about."""
    passage, section = sentence.passage, sentence.passage.section
    if not wanted or passage.kind not in ("prose", "item", "comment"):
        return False
    while len(section) > 1 and section[-1].strip(":").lower() in _INTRODUCING:
        section = section[:-1]
    file = passage.path.rpartition("/")[2].partition(".")[0]
    if len(section) < 2 and passage.first <= INTRODUCTION and _is_title(file, wanted, library):
        return True
    return bool(section) and _is_title(section[-1], wanted, library) and _is_near(passage, section[-1], library)


def _is_title(text: str, wanted: Collection[str], library: Library) -> bool:
    """Words that the whole folder is full of, like a project's name, may stand in a title besides."""
    text = _PAGE.sub("", text)
    if not all(holds(word, frozenset(names(text))) for word in wanted):
        return False
    return sum(map(library.rarity, wanted)) >= _MOSTLY * sum(map(library.rarity, words(text)))


def _is_near(passage: Passage, title: str, library: Library) -> bool:
    headings = (each for each in library.passages_of(passage.path) if each.kind == "heading")
    return any(0 < passage.first - each.first <= INTRODUCTION for each in headings if title in each.section[-1:])


def places(sentence: Sentence, own: frozenset[str], wanted: Collection[str]) -> list[tuple[frozenset[str], float]]:
    """Where a word may stand that a sentence is about, and what it counts there."""
    passage = sentence.passage
    folder, _, file = passage.path.rpartition("/")
    title = " ".join((*passage.section[-1:], passage.label))
    several = sum(holds(word, frozenset(names(title))) == 1.0 for word in wanted) >= NAMING
    before = passage.text[max(0, sentence.start - _LOOKING_BACK) : sentence.start] if passage.kind == "prose" else ""
    elsewhere = (
        (sentence.text, _IN_NAME),
        (title, _TITLED if several else _IN_TITLE),
        (file, _IN_FILE),
        (" ".join(passage.section[:-1]), _ABOVE),
        (before, _BEFORE),
        (folder, _IN_PATH),
    )
    return [(own, 1.0), *((frozenset(names(text)), share) for text, share in elsewhere)]


def met(weights: Mapping[str, float], places: Sequence[tuple[frozenset[str], float]]) -> tuple[float, float]:
    """Return the weight of the words met, less if only in a lesser place, and the weight of all."""
    found = sum(weight * max(share * holds(word, known) for known, share in places) for word, weight in weights.items())
    return found, sum(weights.values())


def holds(word: str, known: frozenset[str]) -> float:
    """3.0 holds for 3.0.1; a word of an unspaced script counts by the share of its pairs, from a half on."""
    if "." in word:
        return float(any(term == word or term.startswith(f"{word}.") for term in known))
    parts = terms(word)
    held = sum(part in known for part in parts) / len(parts) if parts else 0.0
    return held if held >= 0.5 else 0.0
