"""Signs in a sentence that it answers: words of a topic, a definition, the number or name that was asked for."""

import re

from stretto.memory.conflicts import NUMERAL
from stretto.memory.passages import Sentence
from stretto.memory.tokens import terms, words

from .topics import Topic
from .wording import AUXILIARY

_LINKED = re.compile(r"\]\([^)]*\)|\]\[[^\]]*\]|https?://[^\s>)]+")
"""Where a link leads says nothing about what the sentence says."""
_SPEAKING_KEYS = frozenset(
    "summary description keywords classifier synopsis comment about topic notes 概要 備考".split()
)
"""Keys whose values speak about the whole thing, whatever the topic."""
_DEFINING = re.compile(
    r"\s(?:is|are) (?:an?|the|one)\s|\s(?:means|refers to|stands for|denotes)\s|"
    r"とは|は、?[^、。]{2,40}(?:です|である)。"
)
_ARTICLES = frozenset(("a", "an", "the"))
_HOW_MANY = re.compile(
    rf"\bhow many (?P<what>(?:(?!{AUXILIARY}\b)[\w'-]+ ?)+)",
    re.IGNORECASE,
)
_COUNTING = re.compile(r"limit|max|number|count|total|at most|at least|:|=", re.IGNORECASE)
"""What stands between a thing and how many there are of it: `users: 5`, `the number of users is limited to 5`."""
_HOW_FAR = 3
"""Words between a thing and its number at the most."""
_ASKS_NUMBER = re.compile(
    r"\bhow (?:much|large|big|fast)\b|\bwhen\b|\bdeadline|何(?:か月|日|年|時|人|件)|いつ|いくら|期間|期限",
    re.IGNORECASE,
)
_TIME = rf"{NUMERAL.pattern}|\b(?:second|minute|hour|day|night|week|month|quarter|year|always|never)s?\b"
_MUST = (
    (
        re.compile(r"\bhow long\b", re.IGNORECASE),
        re.compile(rf"{_TIME}|\b(?:until|for ?ever|indefinite\w*|permanent\w*|as long as)\b", re.IGNORECASE),
    ),
    (
        re.compile(r"\bhow often\b", re.IGNORECASE),
        re.compile(rf"{_TIME}|\b(?:every|daily|hourly|weekly|monthly|yearly|annually|once|twice)\b", re.IGNORECASE),
    ),
)
"""What an answer can't be without."""
_ASKS_PERSON = re.compile(r"\bwho(?:se|m)?\b|誰", re.IGNORECASE)
_PERSON = re.compile(r"[a-z] [A-Z][a-z]+|@|\bteam\b|さん|氏|部")
_ASKS_NAME = re.compile(r"^(?:which|what) \w+ (?:does|do|did|is|are|has|have)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[\w,]) [A-Z]\w+")
_FITTING = 1.15
_WANTED = ((_ASKS_NUMBER, NUMERAL), (_ASKS_PERSON, _PERSON), (_ASKS_NAME, _NAME))


def cue(topic: Topic, sentence: Sentence) -> float:
    """Return how plainly `sentence` speaks about `topic`, 0 to 1."""
    passage = sentence.passage
    text = _LINKED.sub("]", sentence.text if passage.kind != "row" else f"{passage.label} {sentence.text}")
    if topic.not_cue and topic.not_cue.search(text):
        return 0.0
    if passage.kind == "fact" and topic.keys:
        if passage.label.lower() in topic.fact_keys:
            return 1.0
        if passage.label.lower() not in _SPEAKING_KEYS:
            return 0.0
    if topic.cue:
        found = len(topic.cue.findall(text))
        return min(1.0, 0.7 + 0.15 * found) if found else 0.0
    shared = set(terms(topic.words)) & set(terms(text))
    titled = topic.asks.search(" ".join(passage.section)) is not None
    return min(1.0, 0.3 * len(shared) + 0.6 * titled)


def definition(sentence: Sentence) -> frozenset[str]:
    """Return the terms of what the sentence defines (`A trigger is ...`), or nothing if it defines nothing."""
    verb = _DEFINING.search(f"{sentence.text} ")
    return frozenset(terms(sentence.text[: verb.start()])) - _ARTICLES if verb else frozenset()


def fits(question: str, sentence: Sentence) -> float:
    """Return above 1 if `sentence` has the number or name that `question` wants, and 1 if it wants none.

    Without it, less than 1; 0 if the question asks how many, how long or how often.
    """
    text = f"{sentence.passage.label}: {sentence.text}" if sentence.passage.label else sentence.text
    if counted := _HOW_MANY.search(question):
        return _FITTING if _says_how_many(_thing_counted(counted["what"]), text) else 0.0
    for asked, answer in _MUST:
        if asked.search(question):
            return _FITTING if answer.search(text) else 0.0
    for asked, answer in _WANTED:
        if asked.search(question):
            return _FITTING if answer.search(sentence.text) else 0.85
    return 1.0


def _thing_counted(what: str) -> str:
    """Of `concurrent users` and `bytes of memory` the first plural, else the last word."""
    named = words(what)
    return next((word for word in named if word.endswith("s") and not word.endswith("ss")), named[-1])


def _says_how_many(thing: str, text: str) -> bool:
    """Whether a number stands before `thing`, or after it where the words between them count it."""
    known = words(text)
    things = [at for at, word in enumerate(known) if terms(word) == terms(thing)]
    figures = [at for at, word in enumerate(known) if NUMERAL.match(word)]
    counted = _COUNTING.search(text) is not None
    return any(0 < at - figure <= _HOW_FAR or (counted and figure > at) for at in things for figure in figures)
