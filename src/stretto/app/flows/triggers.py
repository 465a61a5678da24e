"""`on:`, checked and kept as data: when a flow is to start by itself."""

from __future__ import annotations

import re

from stretto.app.flows.shape import TRIGGERS
from stretto.app.flows.source import Node

_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_DAYS = "SUN MON TUE WED THU FRI SAT".split()
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day", 1, 31, []),
    ("month", 1, 12, ["", *_MONTHS]),
    ("weekday", 0, 7, _DAYS),
)
_RANGE = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>[1-9]\d*))?")
_NAME = re.compile(r"[A-Za-z0-9][\w./-]*")


def triggers(node: Node) -> dict[str, str]:
    """The triggers by kind."""
    found = node.fields("`on`", TRIGGERS)
    if not found:
        raise node.wrong(f"it names nothing; write one of {', '.join(TRIGGERS['properties'])}")
    for key, item in found.items():
        if key == "cron":
            _check_cron(item)
        elif not _NAME.fullmatch(item.text):
            raise item.wrong(f"{item.text!r} is no name; use letters, digits and . _ / -, without spaces")
    return {key: item.text for key, item in found.items()}


def _check_cron(node: Node) -> None:
    parts = node.text.split()
    if len(parts) != len(_FIELDS):
        raise node.wrong(
            f"{node.text!r} has {len(parts)} fields; cron has five: minute hour day month weekday, such as 0 8 * * MON"
        )
    for part, (name, low, high, words) in zip(parts, _FIELDS, strict=True):
        for item in part.split(","):
            if not _fits(item, low, high, words):
                said = f" or {words[1]} to {words[-1]}" if words else ""
                raise node.wrong(
                    f"the {name} {item!r} of {node.text!r} does not fit; it is *, {low} to {high}{said}, a-b, or */n"
                )


def _fits(item: str, low: int, high: int, words: list[str]) -> bool:
    """Whether an item of a cron field is `*`, a number, a name or a range of these, maybe with a step."""
    found = _RANGE.fullmatch(item)
    if found is None or (found["first"] == "*" and found["last"]):
        return False
    if found["first"] == "*":
        return True
    ends = [_number(end, words) for end in (found["first"], found["last"]) if end]
    return all(end is not None and low <= end <= high for end in ends) and ends == sorted(
        ends, key=lambda end: end or 0
    )


def _number(text: str, words: list[str]) -> int | None:
    if text.isascii() and text.isdecimal():
        return int(text)
    return words.index(text.upper()) if text.upper() in words else None
