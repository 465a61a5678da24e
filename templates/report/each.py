"""Research of a question that is asked of many things one by one: the best words about each, or silence."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from stretto.memory.passages import Passage, Sentence

from .cues import cue, fits
from .disagreements import conflicts, licence_conflict
from .evidence import Scored, finding, quotable, why_nothing
from .library import Library
from .relevance import Measure, introduces
from .topics import Topic
from .values import Answer, Conflict, Finding, Question

MOST_SUBJECTS = 300
_MOST_PASSAGES = 200
"""Looked at in each document; what a thing is stands at the beginning of its documents."""
_MOST_CANDIDATES = 5_000
_LEAST = 0.5
_SPARES = 2
_KEYED = 1.5
_ABOUT_ITSELF = frozenset(("summary", "description", "keywords", "synopsis"))
_USELESS = frozenset(("", "unknown", "none", "n/a", "null", "tbd"))


def research_each(question: Question, library: Library) -> Answer:
    """Return the best finding about each subject; `silent` names the subjects of which the documents don't say it."""
    search = _Search(question, library)
    found: list[Finding] = []
    spares: list[Finding] = []
    disagreeing: list[Conflict] = []
    silent: list[str] = []
    names = library.subjects.names
    for number, subject in enumerate(names[:MOST_SUBJECTS], start=1):
        best = search.best(subject)
        if not best:
            silent.append(subject)
            continue
        named = [
            finding(question, f"{number}.{at}", each.sentence, each.score, library) for at, each in enumerate(best)
        ]
        found.append(named[0])
        spares += named[1 : 1 + _SPARES]
        disagreeing += search.conflicts(subject, best)
    shown = f"Only the first {MOST_SUBJECTS:,} of {len(names):,} are shown." if len(names) > MOST_SUBJECTS else ""
    unanswered = "" if found else why_nothing(search.measure)
    return Answer(question, tuple(found), tuple(spares), tuple(disagreeing), tuple(silent), shown, unanswered)


class _Search:
    """The best sentences about one subject at a time."""

    def __init__(self, question: Question, library: Library) -> None:
        self.measure = Measure(question, library)
        self._question = question
        self._library = library
        self._by_cue = self.measure.topic is not None and self.measure.topic.cue is not None and self.measure.is_general
        self._near = {} if self._by_cue else self._candidates()

    def best(self, subject: str) -> list[Scored]:
        """Return the answers for `subject`, best first."""
        passages = self._beginnings(subject) if self._by_cue else self._near.get(subject, [])
        topic = self.measure.topic
        if topic and self._by_cue:
            scored = _by_lead(topic, passages) if self._asks_unnamed_purpose else self._by_topic(topic, passages)
        else:
            scored = (Scored(self._relevance(sentence) * worth, sentence) for sentence, worth in quotable(passages))
        return sorted((each for each in scored if each.score), key=lambda each: -each.score)[:12]

    def conflicts(self, subject: str, best: list[Scored]) -> Iterable[Conflict]:
        """Return where the documents about `subject` disagree."""
        topic = self._question.topic
        if topic == "licence":
            return licence_conflict(self._question, best[0], subject, self._library)
        return (
            ()
            if topic in ("purpose", "network", "author")
            else islice(conflicts(self._question, best, self._library), 1)
        )

    @property
    def _asks_unnamed_purpose(self) -> bool:
        return self._question.topic == "purpose" and not self._library.subjects.named

    def _candidates(self) -> dict[str, list[Passage]]:
        grouped: dict[str, list[Passage]] = defaultdict(list)
        for hit, _ in self._library.index.search(self._question.queries, limit=_MOST_CANDIDATES):
            passage = self._library.passages[hit]
            grouped[self._library.subjects.of(passage.path)].append(passage)
        return grouped

    def _beginnings(self, subject: str) -> Iterator[Passage]:
        for path in self._library.subjects.documents(subject):
            yield from self._library.passages_of(path)[:_MOST_PASSAGES]

    def _by_topic(self, topic: Topic, passages: Iterable[Passage]) -> Iterator[Scored]:
        """Facts under a key of the topic come first, then what is said early and surely of the subject itself."""
        for sentence, worth in quotable(passages):
            key = sentence.passage.label.lower()
            if sentence.passage.kind == "fact" and key in topic.fact_keys:
                if worth >= _LEAST and sentence.text.lower() not in _USELESS and len(sentence.passage.section) < 2:
                    yield Scored(2.0 - 0.05 * topic.fact_keys.index(key), sentence)
            elif strength := cue(topic, sentence):
                early = 0.75 + 0.25 / (1 + sentence.first / 20)
                fit = fits(self._question.text, sentence)
                score = round(strength * worth * fit * self._aboutness(sentence) * early, 4)
                if score >= _LEAST:
                    yield Scored(score, sentence)

    def _relevance(self, sentence: Sentence) -> float:
        """A fact under a key of the topic answers more plainly than a sentence."""
        topic, passage = self.measure.topic, sentence.passage
        keyed = topic is not None and passage.kind == "fact" and passage.label.lower() in topic.fact_keys
        return self.measure.relevance(sentence) * (_KEYED if keyed else 1.0)

    def _aboutness(self, sentence: Sentence) -> float:
        """Return how surely the sentence is about the subject and not about something that it mentions."""
        if sentence.passage.kind == "fact":
            return 1.3 if sentence.passage.label.lower() in _ABOUT_ITSELF else 0.7
        text = sentence.text.lower().replace("_", "-")
        name = (
            self._library.subjects.of(sentence.passage.path)
            .rpartition("/")[2]
            .partition(".")[0]
            .lower()
            .replace("_", "-")
        )
        if name in text[:60]:
            return 1.1
        if not self._library.subjects.named:
            return 1.0
        return 1.0 if name in text or text.startswith(("this ", "it ", "a ", "an ", "the ")) else 0.75


def _by_lead(topic: Topic, passages: Iterable[Passage]) -> Iterator[Scored]:
    """A document without a summary says at its beginning what it is about."""
    spoken = ((sentence, worth) for sentence, worth in quotable(passages) if introduces(sentence))
    for place, (sentence, worth) in enumerate(islice(spoken, 20)):
        defines = 1.4 if cue(topic, sentence) else 1.0
        yield Scored(round(worth * defines / (1 + 0.15 * place), 4), sentence)
