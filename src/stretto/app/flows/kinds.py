"""Types as a flow file writes them: `{title: text, score: number?, kind: billing | technical, sources: [text]}`."""

from __future__ import annotations

import re
from typing import Any, Literal, NotRequired, Optional, cast

from pydantic import ConfigDict
from typing_extensions import TypedDict

from stretto.app.flows.beside import Beside, is_reference
from stretto.app.flows.source import Node, checked
from stretto.tools.codec import codec_for

WORDS: dict[str, Any] = {
    "text": str,
    "string": str,
    "integer": int,
    "number": float,
    "bool": bool,
    "boolean": bool,
    "any": Any,
}
_TYPED_DICT: Any = TypedDict
"""Called with what stands in a file, which a type checker cannot follow."""
_FIELD = re.compile(r"[A-Za-z_]\w*")


def kind(node: Node, name: str, beside: Beside) -> type[Any]:
    """The type that a node describes; `name` is what a mapping's type is called."""
    if isinstance(node.value, dict):
        return _mapping(node, name, beside)
    if isinstance(node.value, list):
        if len(node.items) != 1:
            raise node.wrong("a list type has one item, the type of its items: [text]")
        item: Any = kind(node.items[0], name, beside)
        return cast("type[Any]", list[item])
    return _referred(node, beside) if is_reference(node.text) else cast("type[Any]", _word(node, node.text.strip()))


def _word(node: Node, word: str) -> object:
    if word.endswith("?"):
        return Optional[_word(node, word[:-1].strip())]  # noqa: UP045  `|` does not take what is no class
    if "|" in word:
        options = [option.strip() for option in word.split("|")]
        if "" in options:
            raise node.wrong(f"{word!r} has an empty alternative; write it like: billing | technical")
        return Literal[tuple(options)]
    if word not in WORDS:
        raise node.unknown("type", word, WORDS, f"it is {', '.join(WORDS)}, `a | b`, [type], a mapping or app.py:Type")
    return WORDS[word]


def _mapping(node: Node, name: str, beside: Beside) -> type[Any]:
    """A dict with these fields and no others."""
    if not node.entries:
        raise node.wrong("a mapping type has at least one field: {answer: text}")
    fields: dict[str, Any] = {}
    for key, item in node.entries.items():
        if not _FIELD.fullmatch(key):
            raise item.wrong(f"{key!r} is no field name; use letters, digits and _")
        wanted: Any = kind(item, f"{name}_{key}", beside)
        optional = isinstance(item.value, str) and item.value.strip().endswith("?")
        fields[key] = NotRequired[wanted] if optional else wanted
    made = _TYPED_DICT(name, fields)
    made.__pydantic_config__ = ConfigDict(extra="forbid")
    return cast("type[Any]", made)


def _referred(node: Node, beside: Beside) -> type[Any]:
    thing = cast("type[Any]", beside.find(node))
    checked(node, lambda _: codec_for(thing).schema)
    return thing
