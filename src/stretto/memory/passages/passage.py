"""A passage: the smallest piece of a document that makes sense where it stands."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

PassageKind: TypeAlias = Literal["prose", "item", "fact", "row", "comment", "heading", "code"]
"""A paragraph, a list item, a key's value, a table's row, a comment or docstring, a heading; code is the rest."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Some consecutive lines of one document."""

    path: str
    kind: PassageKind
    first: int
    """The line it begins on, from 1."""
    text: str
    """The words of the source without the markers at the lines' beginnings; one `\\n` for each line end."""
    section: tuple[str, ...] = ()
    """The headings above it, outermost first; in code the names of the classes and functions around it."""
    label: str = ""
    """A fact's key, a row's table header, an item's introducing sentence."""

    @property
    def last(self) -> int:
        """The line it ends on."""
        return self.first + self.text.count("\n")
