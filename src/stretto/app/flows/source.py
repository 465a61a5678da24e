"""Values of a file that know where they stand, so that every complaint names file, line and place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from stretto.core.canonical import Json
from stretto.core.errors import UsageError

T = TypeVar("T")
Shape = Mapping[str, Any]
"""A JSON schema of one value."""
_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}
_ASKED = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "array": "a list",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file: text, a number, true, false, nothing, a mapping or a list of further nodes."""

    value: str | int | float | bool | dict[str, Node] | list[Node] | None
    file: str
    line: int
    path: str = ""

    def wrong(self, problem: str) -> UsageError:
        """The error that says what is wrong here."""
        return UsageError(f"{self.file}:{self.line}: {self.path + ': ' if self.path else ''}{problem}")

    def placed(self, error: Exception) -> UsageError:
        """The error with this place, unless it names one."""
        said = str(error)
        return UsageError(said) if said.startswith(f"{self.file}:") else self.wrong(said)

    def unknown(self, what: str, name: str, known: Iterable[str], rule: str = "") -> UsageError:
        """The error for a name that nothing has."""
        names = list(known)
        near = get_close_matches(name, names, 1)
        there = rule or (f"there is {', '.join(names)}" if names else "there is none")
        return self.wrong(f"unknown {what} {name!r}; {there}" + (f"; did you mean {near[0]!r}?" if near else ""))

    @property
    def kind(self) -> str:
        """What it is, in words."""
        return _KINDS.get(type(self.value), "nothing")

    @property
    def text(self) -> str:
        """It, where it is text."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong(f"it must be text, not {'empty' if self.value == '' else self.kind}")
        return self.value

    @property
    def entries(self) -> dict[str, Node]:
        """Its entries, where it is a mapping."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"it must be a mapping, not {self.kind}")
        return self.value

    @property
    def items(self) -> list[Node]:
        """Its items, where it is a list of at least one."""
        if not isinstance(self.value, list):
            raise self.wrong(f"it must be a list, not {self.kind}")
        if not self.value:
            raise self.wrong("it is empty; it must have at least one item")
        return self.value

    @property
    def plain(self) -> Json:
        """The data without the places."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        return [node.plain for node in self.value] if isinstance(self.value, list) else self.value

    def fields(self, what: str, shape: Shape) -> dict[str, Node]:
        """The entries of a mapping that has no keys but the shape's, all it requires, and values of its types."""
        known = shape["properties"]
        for key, node in self.entries.items():
            if key not in known:
                comma = "; a text with a comma needs quotes between braces" if node.value is None else ""
                raise node.unknown("key", key, known, f"{what} has {', '.join(known)}{comma}")
            node.must_be(known[key])
        for key in shape.get("required", ()):
            if key not in self.entries:
                raise self.wrong(f"{what} needs {key!r}: {known[key].get('description', 'see the documentation')}")
        return self.entries

    def must_be(self, shape: Shape) -> None:
        """Refuse a value of another type than the shape's, or out of its bounds."""
        types = shape.get("type", ())
        types = [types] if isinstance(types, str) else types
        fits = not types or any(isinstance(self.value, _TYPES[name]) for name in types)
        if not fits or (isinstance(self.value, bool) and types and "boolean" not in types):
            said = f" ({shape['description']})" if "description" in shape else ""
            raise self.wrong(f"it must be {' or '.join(_ASKED[name] for name in types)}{said}, not {self.kind}")
        if "enum" in shape and self.value not in shape["enum"]:
            raise self.unknown("value", str(self.value), shape["enum"], f"it is one of {', '.join(shape['enum'])}")
        least = shape.get("minimum")
        if least is not None and isinstance(self.value, int | float) and self.value < least:
            raise self.wrong(f"{self.value} is too small; it is at least {least}")
        for item in self.value if isinstance(self.value, list) else ():
            item.must_be(shape.get("items", {}))


def checked(node: Node, make: Callable[[Any], T]) -> T:
    """What `make` makes of a node's data; what it refuses is said with the place."""
    try:
        return make(node.plain)
    except (UsageError, TypeError, OSError, UnicodeError) as error:
        raise node.placed(error) from error


def read(node: Node, shape: Shape, readers: Mapping[str, Callable[[Node], object]]) -> object:
    """What a value of this shape says: what the reader of its `format` makes of it, else plain data."""
    if reader := readers.get(shape.get("format", "")):
        return reader(node)
    if isinstance(node.value, list) and "items" in shape:
        return [read(item, shape["items"], readers) for item in (node.items if "minItems" in shape else node.value)]
    if isinstance(node.value, dict) and isinstance(shape.get("additionalProperties"), Mapping):
        if not node.value:
            raise node.wrong("it is empty; it must have at least one entry")
        return {name: read(item, shape["additionalProperties"], readers) for name, item in node.entries.items()}
    return node.plain
