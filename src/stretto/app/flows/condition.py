"""When a loop ends: `ok`, `not rejected`, `score >= 0.8`, `grade == good`. Read here, never evaluated as code."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stretto.app.flows.source import Node

_FORM = re.compile(
    r"\s*(?P<negated>not\s+)?(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
    r"(?:\s*(?P<sign>==|!=|>=|<=|>|<)\s*(?P<value>\"[^\"]*\"|'[^']*'|[\w.+-]+))?\s*"
)
_RULE = "write a field, `not field`, or a comparison such as `score >= 0.8` or `grade == good`"
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Condition:
    """A question about one field of a verdict."""

    node: Node
    path: tuple[str, ...]
    negated: bool = False
    sign: str = ""
    value: str | float | bool | None = None

    def __call__(self, verdict: object) -> bool:
        """Whether it holds."""
        found = look_up(verdict, self.path)
        if found is _NOWHERE:
            raise self.node.wrong(
                f"the verdict has no {'.'.join(self.path)!r}: {str(verdict)[:200]!r}; give the checker an output "
                "that has it"
            )
        try:
            holds = _SIGNS[self.sign](found, self.value) if self.sign else bool(found)
        except TypeError as error:
            raise self.node.wrong(f"{self.node.value!r} compares {found!r}, and {error}") from error
        return holds is not self.negated

    def __json__(self) -> dict[str, object]:
        """What it says, as a fingerprint covers it."""
        return {"condition": self.node.plain}

    def must_fit(self, schema: Mapping[str, Any]) -> None:
        """Refuse a field that a verdict of this schema never has."""
        fields = schema.get("properties")
        if schema.get("type") in ("string", "integer", "number", "boolean", "array"):
            raise self.node.wrong(
                f"the verdict is {schema['type']} and has no fields; give the checker an output such as "
                f"{{{self.path[0]}: bool}}, or a rule: app.py:name"
            )
        if fields and self.path[0] not in fields and schema.get("additionalProperties") is not True:
            raise self.node.unknown("field", self.path[0], fields, f"the verdict has {', '.join(fields)}")


@dataclass(frozen=True, slots=True)
class OfLastTurn:
    """The condition on what was said last in a conversation; a turn that does not have the field does not fulfil it."""

    condition: Condition

    def __call__(self, transcript: Sequence[object]) -> bool:
        """Whether it holds."""
        return not is_missing(look_up(transcript[-1], self.condition.path)) and self.condition(transcript[-1])

    def __json__(self) -> dict[str, object]:
        """See `Condition`."""
        return self.condition.__json__()


class _Nowhere:
    pass


_NOWHERE = _Nowhere()


def condition(node: Node) -> Condition:
    """The condition that a text states."""
    found = _FORM.fullmatch(node.text)
    if found is None or found["path"] == "not":
        raise node.wrong(f"{node.text!r} is no condition; {_RULE}")
    return Condition(
        node,
        tuple(found["path"].split(".")),
        bool(found["negated"]),
        found["sign"] or "",
        _literal(found["value"]) if found["value"] else None,
    )


def look_up(value: object, path: tuple[str, ...]) -> object:
    """The field of a mapping or an object that a path names; where there is none, what `is_missing` knows."""
    for name in path:
        value = value.get(name, _NOWHERE) if isinstance(value, Mapping) else getattr(value, name, _NOWHERE)
    return value


def is_missing(value: object) -> bool:
    """Whether `look_up` found nothing."""
    return value is _NOWHERE


def _literal(text: str) -> str | float | bool | None:
    if text[0] in "\"'":
        return text[1:-1]
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return float(text)
    except ValueError:
        return text
