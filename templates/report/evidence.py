"""A sentence with its score, and the finding that it becomes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stretto.memory.passages import Passage, Sentence, sentences

from .library import Library
from .relevance import Measure
from .values import Finding, Question
from .worth import worth

_QUOTABLE = frozenset(("prose", "item", "fact", "row", "comment"))


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence and how well it answers."""

    score: float
    sentence: Sentence


def quotable(passages: Iterable[Passage], *, of_the_past: bool = False) -> Iterator[tuple[Sentence, float]]:
    """Yield each sentence that can stand in a report by itself, with its worth."""
    for passage in passages:
        if passage.kind in _QUOTABLE:
            for sentence in sentences(passage):
                if value := worth(sentence, of_the_past=of_the_past):
                    yield sentence, value


def finding(question: Question, name: str, sentence: Sentence, score: float, library: Library) -> Finding:
    """Return the finding called `name` (unique within its question) for `sentence`."""
    passage = sentence.passage
    return Finding(
        id=f"{question.id}.{name}",
        path=passage.path,
        first=sentence.first,
        last=sentence.last,
        text=sentence.text,
        kind=passage.kind,
        subject=library.subjects.of(passage.path),
        section=tuple(title[:80] for title in passage.section[-2:]),
        label=passage.label[:160],
        score=score,
    )


def why_nothing(measure: Measure) -> str:
    """Say why a question has no answer: words that the documents lack, or else that nothing speaks about it."""
    if measure.missing:
        named = ", ".join(f"“{word}”" for word in measure.missing)
        return f"The documents nowhere mention {named}."
    return "No sentence in the documents speaks about this directly."
