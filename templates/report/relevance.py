"""How much of a question's meaning a sentence carries."""

import math
import re
from collections.abc import Iterable, Mapping

from stretto.memory.passages import Sentence
from stretto.memory.tokens import fold, terms, words

from .cues import cue, definition, fits
from .library import Library
from .subjects import INTRODUCES
from .topics import TOPICS
from .values import Question

_BAR = 0.52
"""The share of a question's meaning that a sentence and its surroundings must carry: more than one of two words."""
_BEGINNING = 60
"""Lines."""
_MANY_WORDS = 5
"""From so many words on, a question can't expect a sentence with half of them."""
_LENIENCE = 0.7
"""The share of the bar that is enough for what only comes near."""
_PLAIN = 0.5
"""The strength of a cue from which on a sentence speaks about the topic."""
_ACTS, _OPENING = 0.8, 40
"""The strength of a sentence that begins with the thing asked about, within so many characters."""
_DEFINES = 1.3
_OTHER_KEY = 0.7
"""What a definition counts more, and a value under a key that nobody asked for less."""
_ASKS_MEANING = re.compile(r"what (?:is|are)\b|.*とは", re.IGNORECASE)
_IN_TITLE, _ABOVE, _IN_PATH, _IN_CONTEXT = 0.7, 0.5, 0.4, 0.8
"""What a word counts that stands in the nearest heading, in those above, in the path, or around what is leaned on."""
_CODE = re.compile(r"\w+(?:[._]\w+)*(?:\(\)|[._(][\w*]+[\w.*()]*)")
"""The names that code gives hold words without saying them."""


class Measure:
    """Measures sentences against one question; `lenient` asks for less."""

    def __init__(self, question: Question, library: Library, *, lenient: bool = False) -> None:
        self.question = question
        self.topic = TOPICS.get(question.topic)
        self.missing = tuple(word for word in question.terms if not library.index.count(word))
        self._index = library.index
        self._asks_code = _CODE.search(question.text) is not None
        self._words = {word: self._rarity(word) for word in question.terms if not self._is_topical(word)}
        self._context = {word: 0.5 * self._rarity(word) for word in question.context}
        self._acting = self._thing_asked_about()
        mean = sum(self._words.values()) / len(self._words) if self._words else 1.0
        self._topic_weight = mean if self.topic else 0.0
        self._bar = _BAR * (0.8 if len(self._words) >= _MANY_WORDS else 1.0) * (_LENIENCE if lenient else 1.0)

    @property
    def is_general(self) -> bool:
        """Whether the question asks for its topic and nothing more particular."""
        return not self._words

    def accepts(self, around: Iterable[Sentence]) -> bool:
        """Whether at least one of the sentences answers the question."""
        return any(self.relevance(sentence) > 0 for sentence in around)

    def relevance(self, sentence: Sentence) -> float:
        """Return 0 for what falls short of the bar, else up to about 1."""
        if not self._stands_right(sentence):
            return 0.0
        strength = cue(self.topic, sentence) if self.topic else 0.0
        if self._acting and self._acting <= frozenset(terms(sentence.text[:_OPENING])):
            strength = max(strength, _ACTS)
        if self.topic and self.is_general and (self.question.each or not self.question.asked):
            return strength if strength >= _PLAIN else 0.5 * (self.topic.name == "purpose")
        text = sentence.text if sentence.passage.kind != "fact" else f"{sentence.passage.label} {sentence.text}"
        own = frozenset(terms(text if self._asks_code else _CODE.sub(" ", text)))
        said = any(_holds(word, own) for word in self._words)
        if self.question.within:
            return 1.0 if said else 0.8
        return self._weighed(sentence, own, strength) if said or strength else 0.0

    def _weighed(self, sentence: Sentence, own: frozenset[str], strength: float) -> float:
        passage = sentence.passage
        title = frozenset(terms(" ".join((*passage.section[-1:], passage.label))))
        near = frozenset(terms(" ".join(passage.section[:-1])))
        path = frozenset(terms(passage.path.replace("_", " ")))
        met, whole = _met(self._words, (own, 1.0), (title, _IN_TITLE), (near, _ABOVE), (path, _IN_PATH))
        particular = met / whole if whole else 1.0
        if self._misses_topic(strength, particular) or particular < 0.8 * self._bar:
            return 0.0
        around, more = _met(self._context, (own, 1.0), (title | near | path, _IN_CONTEXT))
        share = (met + around + strength * self._topic_weight) / (whole + more + self._topic_weight)
        if share < self._bar:
            return 0.0
        if passage.kind == "fact" and strength < 1.0:
            share *= _OTHER_KEY
        return share * (_DEFINES if self._defines(sentence) else 1.0) * fits(self.question.text, sentence.text)

    def _defines(self, sentence: Sentence) -> bool:
        """Whether the question asks what a thing is, and the sentence says it."""
        if not (len(self._words) <= 1 or _ASKS_MEANING.match(self.question.text)):
            return False
        defined = definition(sentence)
        return sum(_holds(word, defined) == 1.0 for word in self._words) >= max(1, 0.5 * len(defined))

    def _misses_topic(self, strength: float, particular: float) -> bool:
        """The fewer words a question has besides its topic, the more an answer must speak about the topic."""
        if self.topic is None or strength >= _PLAIN:
            return False
        return len(self._words) < 2 or (self.topic.identity and particular < 0.75)

    def _stands_right(self, sentence: Sentence) -> bool:
        question, passage = self.question, sentence.passage
        if question.within:
            return question.within in passage.section
        if question.asked or question.each or self.topic is None:
            return True
        # An overview quotes documents that have the topic as their title, or sections of those that introduce the rest.
        sections = passage.section if INTRODUCES.search(passage.path) else passage.section[:1]
        titles = " ".join((passage.path.rpartition("/")[2], *sections)).replace("_", " ")
        if self.topic.name == "purpose":
            return introduces(sentence)
        return passage.kind != "comment" and self.topic.asks.search(titles) is not None

    def _is_topical(self, word: str) -> bool:
        if self.topic is None:
            return False
        if not word.isascii():
            return self.topic.asks.search(word) is not None
        return fold(word) in words(
            fold(" ".join(_asking(found) for found in self.topic.asks.finditer(self.question.text)))
        )

    def _thing_asked_about(self) -> frozenset[str]:
        """Of `What does the service do?` the service: what begins a sentence that says what it does."""
        found = self.topic.asks.search(self.question.text) if self.topic else None
        thing = found.groupdict().get("thing") if found else None
        return frozenset(terms(thing or ""))

    def _rarity(self, word: str) -> float:
        return math.log(1 + (len(self._index) + 1) / (self._index.count(word) + 1))


def _asking(found: re.Match[str]) -> str:
    """The words that ask, without the thing that they ask about."""
    thing = found.groupdict().get("thing")
    return found[0].replace(thing, " ") if thing else found[0]


def introduces(sentence: Sentence) -> bool:
    """Whether the sentence stands where a document says what it is about."""
    passage = sentence.passage
    if passage.kind == "comment":
        return len(passage.section) <= 1 and passage.first <= _BEGINNING
    return passage.kind in ("prose", "item") and (passage.first <= _BEGINNING or bool(INTRODUCES.search(passage.path)))


def _met(weights: Mapping[str, float], *places: tuple[frozenset[str], float]) -> tuple[float, float]:
    """Return the weight of the words met, less if only in a lesser place, and the weight of all."""
    met = sum(weight * max(share * _holds(word, known) for known, share in places) for word, weight in weights.items())
    return met, sum(weights.values())


def _holds(word: str, known: frozenset[str]) -> float:
    """3.0 holds for 3.0.1; a word of an unspaced script counts by the share of its pairs, from a half on."""
    if "." in word:
        return float(any(term == word or term.startswith(f"{word}.") for term in known))
    parts = terms(word)
    held = sum(part in known for part in parts) / len(parts) if parts else 0.0
    return held if held >= 0.5 else 0.0
