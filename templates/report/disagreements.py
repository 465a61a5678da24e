"""Where documents disagree about what a question asks."""

import re
from collections.abc import Iterator, Sequence

from stretto.memory.conflicts import disagreement
from stretto.memory.passages import Passage, Sentence
from stretto.memory.quotes import dangling, repeats

from .evidence import Scored, finding
from .library import Library
from .licences import licences
from .values import Conflict, Question

MOST_CONFLICTS = 4
_COMPARED = 40
"""Sentences that are compared with each other, the best ones."""
_HISTORY = re.compile(
    r"change|history|(^|/)news|release|whatsnew|licen[cs]e|copying|copyright|(^|/)tests?|example", re.IGNORECASE
)
"""Documents that tell of other times, other works or invented cases."""
_CODE_NAME = re.compile(r"^[-`]|\w[_.(=<]\w|\w\(\)|^\w+[a-z][A-Z]\w+$")
_LICENCE_FILE = re.compile(r"(^|/)(licen[cs]e|copying)[^/]*$", re.IGNORECASE)


def conflicts(
    question: Question, pool: Sequence[Scored], library: Library, near: Sequence[Scored] = ()
) -> Iterator[Conflict]:
    """Yield pairs of statements about the same thing that can't both hold, each statement once.

    One of the two answers the question; the other may come only `near` it, for whoever disagrees uses other words.
    """
    candidates = [each for each in pool[:_COMPARED] if _is_comparable(each.sentence)]
    others = [each for each in near[:_COMPARED] if each not in candidates and _is_comparable(each.sentence)]
    shown: list[str] = []
    for at, left in enumerate(candidates):
        for right in [*candidates[at + 1 :], *others]:
            reason = _difference(left.sentence, right.sentence, library)
            if reason and not any(repeats(each.sentence.text, text) for each in (left, right) for text in shown):
                yield _conflict(question, len(shown), left, right, reason, library)
                shown += [left.sentence.text, right.sentence.text]
            if len(shown) >= 2 * MOST_CONFLICTS:
                return


def licence_conflict(question: Question, stated: Scored, subject: str, library: Library) -> Iterator[Conflict]:
    """Yield what a subject says of its licence against the titles of the licence files it brings, if they differ."""
    named = licences(stated.sentence.text)
    titles = [title for path in library.subjects.documents(subject) for title in _licence_title(path, library)]
    brought = frozenset(name for title in titles for name in licences(title.text))
    if named and brought and not named & brought and titles[0].path != stated.sentence.passage.path:
        file = Scored(stated.score, Sentence(titles[0], 0, len(titles[0].text)))
        reason = f"{' and '.join(sorted(named))} against {' and '.join(sorted(brought))}"
        yield _conflict(question, subject, stated, file, reason, library)


def _conflict(question: Question, name: object, left: Scored, right: Scored, reason: str, library: Library) -> Conflict:
    sides = [
        finding(question, f"c{name}{side}", each.sentence, each.score, library)
        for side, each in (("l", left), ("r", right))
    ]
    return Conflict(sides[0], sides[1], reason)


def _is_comparable(sentence: Sentence) -> bool:
    passage = sentence.passage
    if passage.kind == "item" and not sentence.text[0].isalnum():
        return False  # `{number} Default: 0` doesn't say of what
    return passage.kind != "row" and not _HISTORY.search(passage.path) and not dangling(sentence.text)


def _difference(left: Sentence, right: Sentence, library: Library) -> str:
    paths = left.passage.path, right.passage.path
    if library.subjects.named and library.subjects.of(paths[0]) != library.subjects.of(paths[1]):
        return ""
    if _describe_others(left.passage, right.passage):
        return ""
    if left.passage.kind == right.passage.kind == "fact":
        return _other_value(left, right)
    return disagreement(left.text, right.text, closeness=0.85 if paths[0] == paths[1] else 0.6)


def _describe_others(left: Passage, right: Passage) -> bool:
    """Under the names of two options, or two functions, a reference says what each of them does."""
    ours, theirs = left.section[-1:], right.section[-1:]
    return ours != theirs and any(_CODE_NAME.search(title) for title in (*ours, *theirs))


def _other_value(left: Sentence, right: Sentence) -> str:
    """Of one key under one heading two documents give different values."""
    one, other = left.passage, right.passage
    same_key = (one.label.lower(), one.section[-1:]) == (other.label.lower(), other.section[-1:])
    if not same_key or one.path == other.path or repeats(left.text, right.text):
        return ""
    return f"{one.label}: {left.text} against {right.text}"[:160]


def _licence_title(path: str, library: Library) -> list[Passage]:
    """A licence file begins with the licence's name."""
    if not _LICENCE_FILE.search(path):
        return []
    opening = [passage for passage in library.passages_of(path)[:2] if len(passage.text) < 120]
    return [passage for passage in opening if licences(passage.text)][:1]
