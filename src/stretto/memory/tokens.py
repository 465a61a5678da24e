"""Words of any script, made comparable: folded, English endings cut, scripts without spaces in pairs of characters."""

import re
import unicodedata
from functools import lru_cache

from stretto.memory.stems import stem

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff々"
"""Scripts written without spaces: Thai, Lao, Burmese, Khmer, kana, Han."""
MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
"""Marks that belong to the word they stand in, and the Indic scripts, whose vowel signs Python counts as no letters."""
_RUN = re.compile(rf"[{UNSPACED}]+")
_WORD = re.compile(
    rf"[{UNSPACED}]+|\d+(?:\.\d+)+(?![^\W\d])|(?<!\w)\.(?:NET|Net|net)\b|"
    rf"(?:[^\W_{UNSPACED}]|[{MARKS}])(?:[^\W{UNSPACED}]|[{MARKS}]|['’](?=\w))*(?:\+\+(?![^\W\d])|#(?!\w))?"
)
_MARKS = re.compile("[\u0300-\u036f]")
_ARABIC_PREFIX = re.compile(
    "^(?:[\u0648\u0628\u0643\u0641]?\u0627\u0644|\u0644\u0644|[\u0648\u0628\u0644])(?=[\u0621-\u064a]{3})"
)
"""The article and the particles that Arabic writes together with the word after them."""
_ALIASES = {"cxx": "c++", "cpp": "c++", "csharp": "c#", ".net": "dotnet", "postgres": "postgresql", "js": "javascript"}
"""Other spellings of names, mostly those that identifiers and file names need."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")
"""Where the words of `snake_case` and `camelCase` meet."""


def words(text: str) -> list[str]:
    """Return the words of `text` as they stand; a run of an unspaced script is one word."""
    return _WORD.findall(text)


def terms(text: str) -> list[str]:
    """Return comparable terms: stems of words, and overlapping pairs of characters for unspaced scripts."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found += _terms_of(word)
    return found


def names(text: str) -> list[str]:
    """Return the terms of `text`, and what its names are made of: of `std_flag` and `stdFlag` also `std`, `flag`."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found += _names_of(word)
    return found


def fold(text: str) -> str:
    """Return `text` in lower case, compatibility forms and Latin accents removed."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _MARKS.sub("", decomposed)).lower()


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of characters of `run`; a single character stays itself."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


@lru_cache(maxsize=65536)
def _terms_of(word: str) -> tuple[str, ...]:
    if _RUN.fullmatch(word):
        return tuple(pairs(unicodedata.normalize("NFKC", word)))
    folded = fold(word).removesuffix("'s").removesuffix("’s")
    return (stem(_ALIASES.get(folded, _ARABIC_PREFIX.sub("", folded))),)


@lru_cache(maxsize=65536)
def _names_of(word: str) -> tuple[str, ...]:
    pieces = [piece for piece in _HUMP.split(word) if piece]
    parts = [term for piece in pieces for term in _terms_of(piece)] if len(pieces) > 1 else []
    return (*_terms_of(word), *parts)
