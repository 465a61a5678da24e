"""Values as text; and text cut between visible characters: a letter keeps its marks, an emoji its family."""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import category

from stretto.core.canonical import encode

_JOINER = "\u200d"
_LONGEST = 32
"""Code points that a visible character has at most; what is longer is noise, and may be cut."""


def as_text(value: object) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else encode(value).decode()


def beginning(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of a text that fits. What is shorter than something that fits must fit too."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle - 1)
    return text[: whole_to(text, low)]


def whole_to(text: str, end: int) -> int:
    """The last place up to `end` that lies between two visible characters, where one is near."""
    for place in range(end, max(-1, end - _LONGEST), -1):
        if place in (0, len(text)) or not (_extends(text[place]) or text[place - 1] == _JOINER):
            return place
    return end


def _extends(character: str) -> bool:
    """Whether it belongs to the character before it: a mark, a joiner, a variation selector, a skin tone."""
    return category(character)[0] == "M" or character == _JOINER or "\U0001f3fb" <= character <= "\U0001f3ff"
