"""A text cut into pieces that fit: between paragraphs, else lines, sentences, words, and only then inside one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from stretto.core.text import beginning

_ENDS = tuple(
    map(
        re.compile,
        (
            r"\n[^\S\n]*(?:\n[^\S\n]*)+",
            r"\n",
            r"[.!?…][\"'”’»)\]*_`]*\s+|[。！？｡।॥؟۔።։][」』）】”]*\s*",
            r"\s+",
        ),
    )
)
"""Where a paragraph, a line, a sentence and a word end; what ends them belongs to them."""


def chunks(text: str, room: int, count: Callable[[str], int]) -> list[str]:
    """The text in pieces of at most `room`, as `count` measures them, as large as may be; together they are the text.

    A piece of two parts must measure no more than the parts together.
    """
    pieces: list[str] = []
    parts, filled = list[str](), 0
    for part in _parts(text, room, count, 0):
        size = count(part)
        if parts and filled + size > room:
            pieces.append("".join(parts))
            parts, filled = [], 0
        parts.append(part)
        filled += size
    return [*pieces, "".join(parts)] if parts else pieces


def _parts(text: str, room: int, count: Callable[[str], int], level: int) -> Iterator[str]:
    """Parts that fit, cut no deeper than they must be."""
    if not text or count(text) <= room:
        if text:
            yield text
    elif level == len(_ENDS):
        yield from _cut(text, room, count)
    else:
        start = 0
        for end in _ENDS[level].finditer(text):
            yield from _parts(text[start : end.end()], room, count, level + 1)
            start = end.end()
        yield from _parts(text[start:], room, count, level + 1)


def _cut(text: str, room: int, count: Callable[[str], int]) -> Iterator[str]:
    """A text without any place to cut it, such as base64 or a word of a hundred pages."""
    start = 0
    while start < len(text):
        piece = beginning(text[start : start + 8 * room], lambda shorter: count(shorter) <= room) or text[start]
        yield piece
        start += len(piece)
