"""How a question is worded: which of its words say what is done, and whether it asks what a thing is."""

import re

from stretto.memory.tokens import fold

AUXILIARY = r"(?:do|does|did|can|could|should|will|would|must|may|might|has|have|had|is|are|was|were)"
_PREPOSITION = (
    r"(?:in|on|of|for|to|from|with|without|at|by|after|before|when|if|while|than|rather|instead|during|under|over)"
)
_DONE = re.compile(
    rf"\b{AUXILIARY}\s+(?:(?!{_PREPOSITION}\b)[\w'-]+\s+)+?(?P<last>[\w'-]+)(?=\W*$|,|\s+{_PREPOSITION}\b)"
    rf"|\b{AUXILIARY}\s+(?:it|they|i|we|you|one)\s+(?P<after>[\w'-]+)"
    rf"|^(?:which|what) (?!{AUXILIARY}\b)[\w+#]+ (?!{AUXILIARY}\b)(?P<verb>[\w'-]+)"
    r"|\bhow (?P<manner>fast|slow|quickly|soon|often|large|big|secure|safe|reliable|expensive)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\b(?P<noun>[a-z]+) (?P<number>\d[\w.]*)", re.IGNORECASE)
_MEANING = re.compile(r"what (?:is|are)\b|what (?:does|do)\b.+\b(?:do|mean)\W*$|.*とは", re.IGNORECASE)


def actions(question: str) -> frozenset[str]:
    """Return the words of `question`, folded, that say what is done: `live` in `How long do sessions live`.

    Documents say it in words of their own (`expire after 30 minutes`) more often than they rename a thing.
    """
    return frozenset(fold(word) for match in _DONE.finditer(question) for word in match.groups() if word)


def asks_meaning(question: str) -> bool:
    """Whether `question` asks what a thing is or does."""
    return _MEANING.match(question) is not None


def misplaces_a_number(question: str, text: str) -> bool:
    """Whether `question` asks about `module 4711`, and `text` has the number, but speaks of another module."""
    asked = {(fold(found["noun"]), found["number"].rstrip(".")) for found in _NUMBERED.finditer(question)}
    said = {(fold(found["noun"]), found["number"].rstrip(".")) for found in _NUMBERED.finditer(text)}
    nouns, numbers = {noun for noun, _ in said}, {number for _, number in said}
    return any(pair not in said and pair[0] in nouns and pair[1] in numbers for pair in asked)
