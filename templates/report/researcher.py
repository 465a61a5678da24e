"""The researcher: a question becomes findings, each the very words of a document with the lines they stand on."""

from collections.abc import Iterator

from stretto.memory.quotes import choose

from .disagreements import conflicts
from .each import research_each
from .evidence import Scored, finding, quotable, why_nothing
from .library import Library
from .places import INTRODUCTION
from .relevance import Measure
from .values import Answer, Finding, Question

MOST_FINDINGS = 6
MOST_SPARES = 6
MOST_NEAREST = 3
NEAREST = "No sentence in the documents answers this directly. These come nearest:"
_POOL = 160
"""Passages that are looked at sentence by sentence."""
_TITLES, _FOLLOWING = 1_000, 6
"""Passages under headings that name what is asked about, and how many after each are looked at."""
_CANDIDATES = 60
"""Sentences among which is chosen."""
_WEAK_TAIL = 0.7
"""A finding must have this share of the best one's score."""


def research(question: Question, library: Library) -> Answer:
    """Return what the documents say to `question`; nothing that falls short of it is returned as filler."""
    return research_each(question, library) if question.each else _research_once(question, library)


def candidates(question: Question, library: Library, most: int = 40) -> tuple[Finding, ...]:
    """Sentences that may have to do with the question, for somebody else to choose from."""
    passages = (library.passages[hit] for hit, _ in library.index.search(question.queries, limit=most))
    pool = [Scored(worth, sentence) for sentence, worth in quotable(passages)][:most]
    return tuple(
        finding(question, str(number), each.sentence, each.score, library) for number, each in enumerate(pool, 1)
    )


def _research_once(question: Question, library: Library) -> Answer:
    measure = Measure(question, library)
    near = _pool(Measure(question, library, lenient=True), library)
    pool, most, note = _best(_accepted(near, measure)), MOST_FINDINGS, ""
    if not pool and question.asked and not measure.missing:
        pool, most, note = _best(near), MOST_NEAREST, NEAREST
    order = choose([(each.score, each.sentence.text) for each in pool], most + MOST_SPARES)
    found = [
        finding(question, str(number), pool[at].sentence, pool[at].score, library)
        for number, at in enumerate(order, start=1)
    ]
    return Answer(
        question,
        findings=tuple(found[:most]),
        spares=tuple(found[most:]),
        conflicts=tuple(conflicts(question, pool, library, near)),
        silent=(),
        note=note if found else "",
        unanswered="" if found else why_nothing(measure),
    )


def _pool(measure: Measure, library: Library) -> list[Scored]:
    hits = [hit for hit, _ in library.index.search(measure.question.queries, limit=_POOL)]
    passages = (library.passages[hit] for hit in dict.fromkeys((*hits, *_introducing(measure.whole, library))))
    scored = (
        Scored(round(measure.relevance(sentence) * worth, 4), sentence)
        for sentence, worth in quotable(passages, of_the_past=measure.question.topic == "changes")
    )
    return sorted((each for each in scored if each.score), key=lambda each: -each.score)


def _introducing(thing: str, library: Library) -> Iterator[int]:
    """What follows the headings that name `thing`, and begins the files that do."""
    for hit in library.index.titled(thing, limit=_TITLES):
        passage = library.passages[hit]
        if passage.kind == "heading" or passage.first <= INTRODUCTION:
            yield from range(hit, min(hit + _FOLLOWING, len(library.passages)))


def _accepted(pool: list[Scored], measure: Measure) -> list[Scored]:
    """Those that answer it, and do not only come near."""
    return [each for each in pool if measure.relevance(each.sentence)]


def _best(pool: list[Scored]) -> list[Scored]:
    return [each for each in pool if each.score >= _WEAK_TAIL * pool[0].score][:_CANDIDATES]
