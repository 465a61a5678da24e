"""How much of a question's meaning a sentence carries."""

import re
from collections.abc import Iterable

from stretto.memory.passages import Sentence
from stretto.memory.tokens import fold, names, terms, words

from .clauses import is_question
from .cues import cue, definition, fits
from .library import Library
from .places import NAMING, holds, met, places, titles
from .subjects import INTRODUCES
from .topics import TOPICS
from .values import Question
from .wording import actions, asks_meaning, misplaces_a_number

_BAR = 0.58
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
_MOSTLY = 0.7
"""The share of a comparison, or of what is asked about, that must be there."""
_ACTION = 0.6
"""What a word counts that says what is done."""
_DEFINES = 1.5
_OTHER_KEY, _IN_CONTEXT = 0.7, 0.8
"""What a definition counts more; a value under a key that nobody asked for, and what stands around, less."""
_CODE = re.compile(r"\w+(?:[._]\w+)*(?:\(\)|[._(][\w*]+[\w.*()]*)")
"""The names that code gives hold words without saying them."""


class Measure:
    """Measures sentences against one question; `lenient` asks for less."""

    def __init__(self, question: Question, library: Library, *, lenient: bool = False) -> None:
        self.question = question
        self.topic = TOPICS.get(question.topic)
        self.missing = tuple(word for word in question.terms if not library.index.count(word))
        self._library = library
        self._actions = actions(question.text)
        self._asks_whole = asks_meaning(question.text) or (question.asked and not is_question(question.text))
        self._asks_code = _CODE.search(question.text) is not None
        self._words = self._weights()
        self._context = {word: 0.5 * self._library.rarity(word) for word in question.context}
        self._acting = self._thing_asked_about()
        mean = sum(self._words.values()) / len(self._words) if self._words else 1.0
        self._topic_weight = mean if self.topic else 0.0
        self._bar = _BAR * (0.8 if len(self._words) >= _MANY_WORDS else 1.0) * (_LENIENCE if lenient else 1.0)

    @property
    def whole(self) -> str:
        """The thing of which the question asks what it is or does, or empty."""
        return " ".join(self._words) if self._asks_whole else ""

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
        own = frozenset(names(text) if self._asks_code else terms(_CODE.sub(" ", text)))
        said = any(holds(word, own) for word in self._words) or self._is_named(text)
        if self.question.within:
            return 1.0 if said else 0.8
        titled = self._asks_whole and titles(sentence, self._words, self._library)
        return self._weighed(sentence, own, strength, titled) if said or strength or titled else 0.0

    def _is_named(self, text: str) -> bool:
        """Whether names of code in the text are made of at least two of the question's words."""
        known = frozenset(names(text))
        return sum(holds(word, known) == 1.0 for word in self._words) >= NAMING

    def _weighed(self, sentence: Sentence, own: frozenset[str], strength: float, titled: bool) -> float:
        around_it = places(sentence, own, self._words)
        found, whole = met(self._words, around_it)
        particular = 1.0 if titled or not whole else found / whole
        if self._misses_topic(strength, particular) or particular < 0.8 * self._bar:
            return 0.0
        around, more = met(self._context, [(own, 1.0), *((known, _IN_CONTEXT) for known, _ in around_it[1:])])
        cued = self._topic_weight if self.topic and self.topic.cue else 0.0
        share = min(1.0, (particular * whole + around + strength * self._topic_weight) / (whole + more + cued))
        fit = fits(self.question.text, sentence)
        if share < self._bar or (self._unsaid and not self._is_wellmet(own, strength, fit)):
            return 0.0
        if sentence.passage.kind == "fact" and strength < 1.0:
            share *= _OTHER_KEY
        return share * (_DEFINES if titled or self._defines(sentence) else 1.0) * fit

    def _is_wellmet(self, own: frozenset[str], strength: float, fit: float) -> bool:
        """Where the documents lack a word of the question, all others must be said, and be two or what it wants."""
        said = sum(holds(word, own) == 1.0 for word in self._words)
        return said == len(self._words) and said + (strength >= _PLAIN) + (fit > 1) >= 2

    def _defines(self, sentence: Sentence) -> bool:
        """Whether the question asks what a thing is, and the sentence says it."""
        if not (len(self._words) <= 1 or asks_meaning(self.question.text)):
            return False
        defined = definition(sentence)
        found, whole = met(self._words, [(defined, 1.0)])
        return found >= _MOSTLY * whole and len(self._words) >= 0.5 * len(defined)

    def _misses_topic(self, strength: float, particular: float) -> bool:
        """The fewer words a question has besides its topic, the more an answer must speak about the topic.

        What is compared must all be there.
        """
        if self.topic and self.topic.name == "comparison":
            return particular < _MOSTLY
        if self.topic is None or not self.topic.cue or strength >= _PLAIN:
            return False
        return len(self._words) < 2 or (self.topic.identity and particular < 0.75)

    def _stands_right(self, sentence: Sentence) -> bool:
        question, passage = self.question, sentence.passage
        if misplaces_a_number(question.text, sentence.text):
            return False
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

    def _weights(self) -> dict[str, float]:
        """A word that says what is done counts less, and nothing if the documents say it in other words throughout."""
        particular = [word for word in self.question.terms if not self._is_topical(word)]
        said = [
            word for word in particular if word not in self.missing or fold(word) not in self._actions
        ] or particular
        self._unsaid = len(said) < len(particular)
        return {word: self._library.rarity(word) * (_ACTION if fold(word) in self._actions else 1.0) for word in said}

    def _is_topical(self, word: str) -> bool:
        """Whether the word asks for the topic, whose cues stand for it."""
        if self.topic is None or not (self.topic.cue or self.topic.keys):
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
