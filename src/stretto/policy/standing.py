"""Standing rules: a person's yes to all calls of one tool in one run, maybe only where their arguments fit.

A condition compares arguments with numbers or text, joined by `and`: `amount < 50 and currency == 'EUR'`. It is read
here and never evaluated as code. What it does not fit (an argument that is missing, or of another type) it does not
cover: then a person is asked as ever.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from stretto.core.errors import UsageError

_TERM = re.compile(
    r"\s*(?P<name>[A-Za-z_]\w*)\s*(?P<sign><=|>=|==|!=|<|>)\s*"
    r"(?:(?P<number>-?\d+(?:\.\d+)?)|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\")\s*"
)
_AND = re.compile(r"and\s")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """One argument against a number or a text."""

    name: str
    sign: str
    value: Decimal | str

    def holds(self, args: Mapping[str, object]) -> bool:
        """Whether the argument is there, is of the same kind, and compares so."""
        found = args.get(self.name)
        if isinstance(found, int | float | Decimal) and not isinstance(found, bool):
            return isinstance(self.value, Decimal) and _SIGNS[self.sign](Decimal(str(found)), self.value)
        return isinstance(found, str) and isinstance(self.value, str) and _SIGNS[self.sign](found, self.value)


@dataclass(frozen=True, slots=True)
class Rule:
    """All calls of `tool` that fit `where` are approved, said `by` somebody through a `channel`."""

    id: str
    tool: str
    where: str
    by: str
    channel: str = ""

    def __post_init__(self) -> None:
        condition(self.where)

    def __str__(self) -> str:
        return f"all {self.tool}" + (f" where {self.where.strip()}" if self.where.strip() else "")

    def covers(self, tool: str, args: Mapping[str, object]) -> bool:
        """Whether this exact call is approved by it."""
        return tool == self.tool and all(comparison.holds(args) for comparison in condition(self.where))


@lru_cache(maxsize=256)
def condition(text: str) -> tuple[Comparison, ...]:
    """The comparisons of a condition, all of which must hold; an empty text has none."""
    found: list[Comparison] = []
    at = 0
    while text.strip():
        term = _TERM.match(text, at)
        if term is None:
            raise _misread(text, at)
        found.append(_comparison(term, text))
        if term.end() == len(text):
            break
        joined = _AND.match(text, term.end())
        if joined is None:
            raise _misread(text, term.end())
        at = joined.end()
    return tuple(found)


def _comparison(term: re.Match[str], text: str) -> Comparison:
    name, sign, number = term["name"], term["sign"], term["number"]
    if number is not None:
        return Comparison(name, sign, Decimal(number))
    if sign not in ("==", "!="):
        raise UsageError(f"condition {text!r}: {sign} compares numbers; text is compared with == or !=")
    return Comparison(name, sign, term["single"] if term["single"] is not None else term["double"])


def _misread(text: str, at: int) -> UsageError:
    return UsageError(
        f"condition {text!r} is not understood at {text[at : at + 20].strip()!r}; it compares arguments with numbers "
        "or quoted text, joined by and: amount < 50 and currency == 'EUR'"
    )
