"""Where two statements can't both hold: other numbers, other names, or a yes against a no about the same thing."""

import re
import unicodedata
from itertools import pairwise

from stretto.memory.tokens import terms, words

_NUMBER = re.compile(r"(?<![0-9A-Za-z_.])[$€£¥]?\s?(\d+(?:[.,:/-]\d+)*)\s*(%|[^\W\d_]+)?")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|nothing|isn't|unsupported|forbidden|prohibited|disabled|"
    r"nicht|kein\w*|nie|ohne|pas|jamais|aucun\w*|sans|nunca|sin|ningun\w*|не|нет|нельзя|без)\b|n't\b|n’t\b"
    r"|ない|ません|なし|不可|禁止|できず|不能|没有|不是|不支持|नहीं|ليس|ไม่",
    re.IGNORECASE,
)
_SPELT = {
    word: str(number)
    for number, words_for in {
        2: "two zwei deux dos", 3: "three drei trois tres", 4: "four vier quatre cuatro", 5: "five fünf cinq cinco",
        6: "six sechs", 7: "seven sieben sept siete", 8: "eight acht huit ocho", 9: "nine neun",
        10: "ten zehn dix diez",
        11: "eleven elf", 12: "twelve zwölf douze doce", 15: "fifteen", 20: "twenty", 30: "thirty", 40: "forty",
        50: "fifty", 60: "sixty", 90: "ninety", 100: "hundred", 1000: "thousand",
    }.items()
    for word in words_for.split()
}  # fmt: skip
"""Numbers written as words, in a few languages."""
_SPELLED = re.compile(rf"\b(?:{'|'.join(_SPELT)})\b", re.IGNORECASE)
NUMERAL = re.compile(
    rf"\d|{_SPELLED.pattern}|\b(?:a|several|many) (?:dozen|hundred|thousand|million)s?\b", re.IGNORECASE
)
"""A number in figures or words."""
_VERB = re.compile(
    r"\s(?:is|are|was|were|uses?|requires?|supports?|defaults? to|runs? on|ist|sind|est|es|=)\s|"
    r"は|是",
    re.I,
)
_PREDICATE = re.compile(
    rf"{_VERB.pattern}|(?<=\w)\s(?:[a-z]+(?:s|ed)\s(?=\d|an?\b|the\b|up\b)|[a-z]+(?:s|ed)?\s(?:on|at|in|for|to|after|with|by)\s)",
    re.I,
)
"""Where a statement ceases to say whom it is about: at a known verb, or a word that a number or preposition follows."""
_OPPOSED = tuple(
    (re.compile(rf"(?<![a-z])(?:{one})(?![a-z])", re.I), re.compile(rf"(?<![a-z])(?:{other})(?![a-z])", re.I))
    for one, other in (
        (r"hash(?:ed|es)|(?<!not )encrypt(?:ed|s|ion)|bcrypt|argon2", r"(?:plain|clear)[- ]?text|unencrypted|unhashed"),
        (r"enabled|switched on|turned on|active", r"disabled|switched off|turned off|inactive"),
        (r"required|mandatory|compulsory|obligatory", r"optional|voluntary"),
        (r"allowed|permitted|supported", r"forbidden|prohibited|disallowed|unsupported"),
        (r"synchronous(?:ly)?", r"asynchronous(?:ly)?"),
        (r"always", r"never"),
        (r"public(?:ly)?", r"private(?:ly)?|confidential"),
        (r"mutable", r"immutable"),
        (r"stateless", r"stateful"),
        (r"automatic(?:ally)?", r"manual(?:ly)?|by hand"),
        (r"有効", r"無効"),
        (r"必須", r"任意"),
    )
)
"""Words that can't both be said of one thing."""
_CIRCUMSTANCE = re.compile(r"\s(?:in|on|for|when|if|while|unless|until|during|before|after|at)\s(?P<when>.*)$", re.I)
_GLUE = frozenset(
    "a an the of to in on for at by with from and or as is are was were be been it its this that these those "
    "has have had do does "
    "did will would can could may might must shall should than then so if when which who what how there here "
    "about only also per after until "
    "der die das und ist für le la les de du et el los las y un une ein eine".split()
)


_GLUE_TERMS = frozenset(terms(" ".join(_GLUE)))


def negated(text: str) -> bool:
    """Whether `text` denies something."""
    return _NEGATION.search(text) is not None


def numbers(text: str) -> dict[str, frozenset[str]]:
    """Return the numbers of `text` by the word that follows each (its unit), or else by the word before it."""
    text = _SPELLED.sub(lambda word: _SPELT[word[0].lower()], unicodedata.normalize("NFKC", text))
    found: dict[str, set[str]] = {}
    for number in _NUMBER.finditer(text):
        unit = (number[2] or "").lower()[:12]
        before = words(text[: number.start()])[-1:] or [""]
        stem = (terms(unit) or [""])[0] if unit and unit not in _GLUE else f"{before[0].lower()} _"
        found.setdefault(stem, set()).add(number[1].rstrip(".,:/-"))
    return {unit: frozenset(values) for unit, values in found.items()}


def disagreement(left: str, right: str, *, closeness: float = 0.6) -> str:
    """Return in what two statements about the same thing differ, or nothing.

    `closeness` is the share of the shorter statement's words that the other must have, 0 to 1.
    """
    if opposed(left, right):
        return "both cannot be true of the same thing"
    ours, theirs = _content(left), _content(right)
    shared = len(ours & theirs)
    fewer = min(len(ours), len(theirs))
    if shared < 2 or shared < closeness * fewer or _speak_of_others(left, right):
        return ""
    if differing := _other_numbers(left, right):
        return differing
    if negated(left) != negated(right) and shared >= 3 and shared >= 0.7 * len(ours | theirs):
        return "one denies what the other states"
    return _other_names(left, right)


def opposed(left: str, right: str) -> bool:
    """Whether two statements say what excludes each other of one subject, under one circumstance.

    `Passwords are hashed` against `User passwords are stored in plain text`.
    """
    for pair in _OPPOSED:
        for one, other in (pair, pair[::-1]):
            if one.search(left) and other.search(right) and not (other.search(left) or one.search(right)):
                rest = [_without(pair, text) for text in (left, right)]
                return _is_about_the_same(left, right) and _circumstance(rest[0]) == _circumstance(rest[1])
    return False


def _content(text: str) -> frozenset[str]:
    kept = (term for term in terms(_NEGATION.sub(" ", text)) if not any(char.isdigit() for char in term))
    return frozenset(term for term in kept if term not in _GLUE_TERMS)


def _without(pair: tuple[re.Pattern[str], re.Pattern[str]], text: str) -> str:
    return pair[1].sub(" ", pair[0].sub(" ", text))


def _is_about_the_same(left: str, right: str) -> bool:
    ours, theirs = (_content(_VERB.split(text, maxsplit=1)[0]) for text in (left, right))
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours) and _marks(left) == _marks(right)


def _circumstance(text: str) -> frozenset[str]:
    found = _CIRCUMSTANCE.search(text)
    return _content(found["when"]) if found else frozenset()


def _speak_of_others(left: str, right: str) -> bool:
    """Names and numbers before the verb say whom a statement is about."""
    if _marks(left) != _marks(right):
        return True
    ours, theirs = _names(_subject(left)), _names(_subject(right))
    return bool(ours - theirs - _lowered(right)) and bool(theirs - ours - _lowered(left))


def _lowered(text: str) -> frozenset[str]:
    """A capital at the beginning makes no name of a word that the other statement has too."""
    return frozenset(word.lower() for word in words(text))


def _subject(text: str) -> str:
    return _VERB.split(text, maxsplit=1)[0]


def _marks(text: str) -> frozenset[str]:
    """The numbers that name a statement's subject: `Module 4711`, `v2`; those of `above 200 euros` are amounts."""
    subject = _PREDICATE.split(text, maxsplit=1)[0]
    known = [*words(subject.lower()), "the"]
    numbered = ((word, after) for word, after in pairwise(known) if any(map(str.isdigit, word)))
    marked = (word for word, after in numbered if after in _GLUE or any(map(str.isalpha, word)))
    return frozenset() if subject == text else frozenset(marked)


def _names(text: str) -> frozenset[str]:
    named = (word for word in words(text) if not word.islower() and not word.isdigit())
    return frozenset(
        word.lower() for word in named if word.lower() not in _GLUE and word[0].isascii() and len(word) > 1
    )


def _other_numbers(left: str, right: str) -> str:
    ours, theirs = numbers(left), numbers(right)
    for unit in ours.keys() & theirs.keys():
        if not ours[unit] & theirs[unit]:
            return f"{', '.join(sorted(ours[unit]))} against {', '.join(sorted(theirs[unit]))}"
    return ""


def _other_names(left: str, right: str) -> str:
    """`The backend is SQLite` against `The backend is PostgreSQL`: one subject, one verb, other names."""
    parts = [_VERB.split(text.strip(" .。"), maxsplit=1) for text in (left, right)]
    if any(len(part) < 2 for part in parts) or _content(parts[0][0]) != _content(parts[1][0]):
        return ""
    ours, theirs = _names(parts[0][1]), _names(parts[1][1])
    rest = [frozenset(terms(part[1])) for part in parts]
    short = all(len(each) <= 8 for each in rest)
    if ours and theirs and not ours & theirs and short and len(_content(parts[0][0])) >= 2:
        return f"{', '.join(sorted(ours))} against {', '.join(sorted(theirs))}"
    return ""
