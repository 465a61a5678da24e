"""Signs in a sentence that it answers: words of a topic, a definition, the number or name that was asked for."""

import re

from stretto.memory.passages import Sentence
from stretto.memory.tokens import terms

from .topics import Topic

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
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|often|large|big|fast)\b|\bwhen\b|\bdeadline|"
    r"何(?:か月|日|年|時|人|件)|いつ|いくら|期間|期限",
    re.IGNORECASE,
)
_ASKS_PERSON = re.compile(r"\bwho(?:se|m)?\b|誰", re.IGNORECASE)
_PERSON = re.compile(r"[a-z] [A-Z][a-z]+|@|\bteam\b|さん|氏|部")
_ASKS_NAME = re.compile(r"^(?:which|what) \w+ (?:does|do|did|is|are|has|have)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[\w,]) [A-Z]\w+")
_WANTED = ((_ASKS_NUMBER, re.compile(r"\d")), (_ASKS_PERSON, _PERSON), (_ASKS_NAME, _NAME))


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


def fits(question: str, text: str) -> float:
    """Return above 1 if `text` has the number or name that `question` wants, below 1 if not, 1 if it wants none."""
    for asked, answer in _WANTED:
        if asked.search(question):
            return 1.15 if answer.search(text) else 0.85
    return 1.0
