"""Whether a sentence can stand in a report by itself, whatever it says."""

import re
from collections.abc import Iterable

from stretto.memory.passages import Sentence
from stretto.memory.passages.prose import reads_as_prose

LONGEST = 600
"""Characters of a quote."""
LONGEST_LEAD = 80
"""Characters of the sentence that introduces a list, to be shown before its items."""

_KINDS = {"prose": 1.0, "item": 0.9, "comment": 0.85, "fact": 0.95, "row": 0.85}
_ENDED = re.compile(r"[.!?…。！？।॥؟۔።։][\"'”’»」』）)\]*_`]*$")
_OPENING = re.compile(r"^[\"'“‘«「『（(\[*_`<]*[\w¿¡$€£¥\-+.~/@{]")
_UNFINISHED = re.compile(r"\b(?:e\.g|i\.e|such as|for example|like)[.:]?$", re.IGNORECASE)
_ADDRESS = re.compile(r"<?https?://\S+")
_POINTING = re.compile(
    r"\b(?:see|refer to|check out|have a look|click|read) (?:also |the |our |at )*[\[`<*:]|"
    r"\bsee (?:also|below|above)\b",
    re.IGNORECASE,
)
_MANUAL_NAMES = (("NAME",), ("Name",))
"""Where a manual page says `git-bisect - Use binary search to find the commit that introduced a bug`."""
_RESULTS = frozenset("return returns rtype type yields".split())
"""Fields of docstrings that say little without the function."""
_LEANING = re.compile(r"\b(?:this|these|those|such)\b", re.IGNORECASE)
_NAMED_FIRST = re.compile(
    r"[*_(\"'“]*(?:[a-z]+(?:[\d_:/(-]|\.\w)\S*|[a-z]\w* (?:is|are|was|has|can|cannot|will|does|may|must|should|"
    r"provides?|supports?|uses?|allows?|reads?|writes?|contains?|runs?|sends?|requires?|returns?|handles?|implements?|"
    r"also|helps?|makes?|lets|comes|works)\b)"
)
"""A sentence may begin in lower case if a name in lower case begins it."""
_TEXTS = (
    # turns from or adds to another sentence
    (
        r"^(?:\(|(?:note|on the other hand|for (?:example|instance)|in addition|in particular|finally|first|second|"
        r"again|here|see|welcome|hello|thanks|(?:a )?(?:huge |special )?(?:amount of )?(?:thank|credit)\w*)\b)",
        0.8,
    ),
    (r"^\(.*\)\W*$", 0.4),
    # fields of docstrings
    (r"^\w+: ", 0.7),
    (r"^(?:returns?|args|arguments|parameters|raises|yields|attributes|examples?):|\w+ \([\w\[\], .|]+\): ", 0.4),
    # points to another place of its document
    (
        r"\b(?:the (?:above|following|previous|preceding) |the next (?:section|step|page|chapter|example)|"
        r"(?:shown|described|mentioned|listed|seen) (?:here|above|below|earlier)|above|below|"
        r"the (?:code|example|steps?|figure|table|list) (?:above|below)|this (?:example|code|snippet|command)|"
        r"as follows|previous page|last section)",
        0.6,
    ),
    (_POINTING.pattern, 0.7),
    (r":(?:doc|ref):`|https?://\S+|\[[^\]]*\]\[[^\]]*\]", 0.8),
    (r"[?？]$", 0.3),
)
_PATHS = (
    (r"(^|/)(licen[cs]e|copying|notice|copyright)[^/]*$|/licenses/", 0.8),
    (r"(^|/)(sboms?|vendor|third.?party)(/|_|$)", 0.3),
    (r"(^|/)(tests?|examples?|fixtures?)(/|_|$)", 0.6),
    (r"(^|/)(readme|intro|overview|guide|manual|faq|index)[^/]*$", 1.1),
)
_PAST = ((r"change(s|log)|history|(^|/)news|whatsnew|release|^v?\d+\.\d+", 0.7),)
_TITLES = (
    # sections that speak about something beside the matter
    (
        r"credit|acknowledg|thank|sponsor|donat|contribut|benchmark|\btests?\b|testing|development|used by|who uses|"
        r"licen[cs]e",
        0.7,
    ),
)


def worth(sentence: Sentence, *, of_the_past: bool = False) -> float:
    """Return 0 for what can't be quoted, else about 1: more for whole sentences of documents meant for readers.

    Change logs count less, unless the question is `of_the_past`.
    """
    text, passage = sentence.text, sentence.passage
    if not _is_quotable(sentence, text):
        return 0.0
    value = _KINDS[passage.kind] * _product(_PATHS, [passage.path]) * _product(_TITLES, passage.section)
    if not of_the_past:
        value *= _product(_PAST, [passage.path, *passage.section])
    if passage.kind == "fact":
        return value * (0.3 if passage.label.lower() in _RESULTS else 1.0)
    if passage.kind == "row" and not passage.label:
        value *= 0.6
    return value * _length(text) * _position(sentence) * _product(_TEXTS, [text])


def _product(factors: Iterable[tuple[str, float]], texts: Iterable[str]) -> float:
    """Multiply the factors of all patterns that one of the texts matches."""
    known = list(texts)
    value = 1.0
    for pattern, factor in factors:
        if any(re.search(pattern, text, re.IGNORECASE) for text in known):
            value *= factor
    return value


def _is_quotable(sentence: Sentence, text: str) -> bool:
    if not 2 <= len(text) <= LONGEST or not _is_balanced(text):
        return False
    match sentence.passage.kind:
        case "fact":
            return any(char.isalnum() for char in text) and not _ADDRESS.fullmatch(text)
        case "row":
            return sum(char.isalpha() for char in text) > 2
        case "item":
            return _begins_and_ends(text) and _is_item(text, sentence.passage.label)
        case _:
            return _begins_and_ends(text) and _is_statement(sentence)


def _begins_and_ends(text: str) -> bool:
    if text.endswith((":", "：", ",", "::")) or not _OPENING.match(text) or not reads_as_prose(text):
        return False
    return not (_POINTING.search(text) and len(text.split()) <= 12)


def _is_item(text: str, lead: str) -> bool:
    """An item that is no sentence needs a capital or the sentence that introduces the list, and must be no menu."""
    words, whole = text.split(), _ENDED.search(text) is not None
    capitals = sum(word[0].isupper() for word in words)
    if not whole and capitals >= 3 and capitals > 0.7 * len(words):
        return False
    introduced = whole or 0 < len(lead) <= LONGEST_LEAD or not text[0].islower()
    return introduced and (len(words) >= 3 or not text.isascii())


def _is_statement(sentence: Sentence) -> bool:
    text = sentence.text
    words = text.split()
    if sentence.passage.section[-1:] in _MANUAL_NAMES and " - " in text:
        return True
    if not _ENDED.search(text) or _UNFINISHED.search(text) or _shouts(text):
        return False
    cut_off = text.lstrip("*_(\"'“")[:1].islower() and not _NAMED_FIRST.match(text)
    return not cut_off and (len(words) >= 4 or not text.isascii())


def _shouts(text: str) -> bool:
    """Disclaimers do, and say nothing about the matter."""
    return len(text) > 40 and sum(map(str.isupper, text)) > 0.6 * sum(map(str.isalpha, text))


def _position(sentence: Sentence) -> float:
    """Paragraphs begin with what they are about."""
    leaning = 0.85 if _LEANING.search(sentence.text) else 1.0
    return leaning * (1.0 if sentence.start == 0 else 0.9)


def _length(text: str) -> float:
    size = len(text) * (1 if text.isascii() else 2)
    if size < 70:
        return 0.8 if size < 40 else 0.9
    return 1.0 if size <= 280 else max(0.6, 1.0 - (size - 280) / 800)


def _is_balanced(text: str) -> bool:
    paired = all(text.count(left) == text.count(right) for left, right in ("()", "[]", "“”", "「」"))
    return paired and text.count('"') % 2 == text.count("**") % 2 == 0
