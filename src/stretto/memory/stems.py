"""English words cut to what their forms share: `recover`, `recovers` and `recovery`, `retain` and `retention`.

A shortened Porter (1980) with two tables besides: verbs of irregular form, and nouns whose Latin root changes. Porter's
and Snowball's leave `recovery`, `retention` and `kept` apart from their verbs, and in these questions and documents
differ.
"""

import re

_IRREGULAR = {
    form: verb
    for verb, forms in {
        "begin": "began begun", "break": "broke broken", "build": "built", "choose": "chose chosen", "fail": "failure",
        "find": "found", "give": "gave given", "hold": "held", "keep": "kept", "know": "knew known", "leave": "left",
        "lose": "lost", "make": "made", "run": "ran", "send": "sent", "speak": "spoke spoken",
        "take": "took taken", "think": "thought", "write": "wrote written", "child": "children",
    }.items()
    for form in forms.split()
}  # fmt: skip
_LATIN = (
    ("t(?:ention|enance)$", "tain"),
    ("ception$", "ceiv"),
    ("duction$", "duc"),
    ("scription$", "scrib"),
    ("mission$", "mit"),
    ("solution$", "solv"),
    ("version$", "vert"),
    ("ification$", "ify"),
    ("bility$", "ble"),
    ("val$", "v"),
    ("(?<=.{5})ly$", ""),
)
"""What a noun's ending was in its verb or adjective; two letters must stand before it."""
_CHANGED = tuple((re.compile(f"(?<=..){ending}"), root) for ending, root in _LATIN)
_DERIVED = (
    ("ness", 4), ("ement", 4), ("ment", 5), ("ion", 4), ("it", 5), ("anc", 5), ("enc", 5), ("abl", 5), ("or", 5),
    ("at", 5), ("er", 5),
)  # fmt: skip
"""Endings that part a word from another of the same root, without a last -e or -y, and how many letters must stay."""


def stem(word: str) -> str:
    """Return what the forms of an English `word` in lower case have in common; any other word stays."""
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    word = _singular(word)
    word = _inflected(_IRREGULAR.get(word, word))
    for ending, root in _CHANGED:
        word = ending.sub(root, word)
    return _derived(_bare(word))


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


def _bare(word: str) -> str:
    """A last -e or -y comes and goes with what follows it."""
    if word.endswith("e"):
        return word[:-1] if len(word) > 2 else word
    return word[:-1] if word.endswith("y") and len(word) > 3 else word


def _derived(word: str) -> str:
    for ending, least in _DERIVED:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return _derived(_bare(word.removesuffix(ending)))
    return word
