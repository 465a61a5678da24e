"""Words of any script, made comparable: folded, English endings cut, scripts without spaces in pairs of characters."""

import re
import unicodedata
from functools import lru_cache

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff々"
"""Scripts written without spaces: Thai, Lao, Burmese, Khmer, kana, Han."""
MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
"""Marks that belong to the word they stand in, and the Indic scripts, whose vowel signs Python counts as no letters."""
_RUN = re.compile(rf"[{UNSPACED}]+")
_WORD = re.compile(
    rf"[{UNSPACED}]+|\d+(?:\.\d+)+(?![^\W\d])|(?:[^\W_{UNSPACED}]|[{MARKS}])(?:[^\W{UNSPACED}]|[{MARKS}]|['’](?=\w))*(?:[+#]{{1,2}}(?!\w))?"
)
_MARKS = re.compile("[\u0300-\u036f]")
_ARABIC_PREFIX = re.compile(
    "^(?:[\u0648\u0628\u0643\u0641]?\u0627\u0644|\u0644\u0644|[\u0648\u0628\u0644])(?=[\u0621-\u064a]{3})"
)
"""The article and the particles that Arabic writes together with the word after them."""
_DERIVED = ("ification", "ication", "ation", "ement", "ness", "ity", "ion", "ly", "er")
"""Endings that often part a word from another of the same root; at least four letters must stay."""


def words(text: str) -> list[str]:
    """Return the words of `text` as they stand; a run of an unspaced script is one word."""
    return _WORD.findall(text)


def terms(text: str) -> list[str]:
    """Return comparable terms: stems of words, and overlapping pairs of characters for unspaced scripts."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found += _terms_of(word)
    return found


def fold(text: str) -> str:
    """Return `text` in lower case, compatibility forms and Latin accents removed."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _MARKS.sub("", decomposed)).lower()


def spaced(text: str) -> str:
    """Return `text` with each run of an unspaced script as pairs of characters, for an index that cuts at spaces."""
    return _RUN.sub(lambda run: f" {' '.join(pairs(run[0]))} ", text)


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of characters of `run`; a single character stays itself."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


@lru_cache(maxsize=65536)
def _terms_of(word: str) -> tuple[str, ...]:
    if _RUN.fullmatch(word):
        return tuple(pairs(unicodedata.normalize("NFKC", word)))
    folded = fold(word).removesuffix("'s").removesuffix("’s")
    return (_stem(_ARABIC_PREFIX.sub("", folded)),)


def _stem(word: str) -> str:
    """A shortened Porter: plurals, then -ing and -ed, then derivations, then a last -e or -y."""
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    word = _inflected(_singular(word))
    for ending in _DERIVED:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word.removesuffix(ending)
            break
    word = word.removesuffix("e") if len(word) > 2 else word
    return word.removesuffix("y") if len(word) > 3 else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    plural = word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3
    return word[:-1] if plural else word


def _inflected(word: str) -> str:
    if word.endswith("eed"):
        return word
    for ending in ("ing", "ied", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) > 1 and any(vowel in root for vowel in "aeiouy"):
            doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "aeiouls"
            return root[:-1] if doubled else root
    return word
