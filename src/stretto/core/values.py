"""The small values that cross floors: actions and verdicts, questions and answers, budgets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, ClassVar, Generic, Literal, TypeVar

from stretto.core.errors import UsageError
from stretto.core.frozen import frozen

T = TypeVar("T")

Risk = Literal["low", "medium", "high"]
Effect = Literal["read", "idempotent", "once"]
"""`read` may be repeated, `idempotent` repeated under the same key, `once` never."""


def undescribed(schema: dict[str, Any]) -> None:
    """Keep a docstring of ours out of a JSON schema: what a model is told stands in the prompts, and nowhere else."""
    schema.pop("description", None)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person is shown of an action before it runs.

    `base` identifies the state of the world it was made from (for a file: the hash of its content); the action is
    refused if that has changed by the time it is approved. Where a tool's `preview` gives plain text, the text itself is the
    base; one that differs each time (it shows the clock) gives a `Preview` without a base.
    """

    text: str
    base: str = ""


@frozen
class Action:
    """One exact tool call, as the gates judge it."""

    tool: str
    args: dict[str, Any]
    risk: Risk = "low"
    effect: Effect = "read"
    external: bool = False
    irreversible: bool = False
    worker: str = ""
    undoes: str = ""
    """The tool whose call this one takes back, in a run that undoes another."""


@frozen
class Allow:
    """The action may run."""

    reason: str = ""


@frozen
class Ask:
    """A person decides; `standing` names the rule that already said yes, where one did."""

    reason: str
    to: str = ""
    expires: float | None = None
    standing: str = ""


@frozen
class Deny:
    """The action does not run."""

    reason: str


Judgement = Allow | Ask | Deny
"""What the gates say of an action."""

WaitKind = Literal["approval", "question", "review", "signal", "timer", "doubt", "budget"]


@frozen
class Answer:
    """What a person, a program or the clock said to a wait.

    `decision` is one of approve, reject, answer, expired, due, done, repeat, abort. `by` says who, `channel` how it
    came in (cli, python, http, clock, policy).
    """

    decision: str
    value: Any = None
    reason: str = ""
    by: str = ""
    channel: str = ""
    shown: float | None = None
    """For how many seconds the question stood before whoever answered; None where nobody knows."""


@frozen
class Accepted(Generic[T]):
    """A reviewer accepted the content, maybe after revising it."""

    value: T


@frozen
class Rejected:
    """A reviewer rejected the content."""

    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """A judge's opinion: `value` between 0 and 1, and why."""

    value: float
    reason: str = ""
    __pydantic_config__: ClassVar[Any] = {"json_schema_extra": undescribed}


@frozen
class Done(Generic[T]):
    """A branch of a batch that ended well."""

    value: T
    ok: Literal[True] = True


@frozen
class Failed:
    """A branch of a batch that failed."""

    error: Exception
    ok: Literal[False] = False

    def __json__(self) -> dict[str, object]:
        """What crosses the journal: what the error said."""
        return {"error": str(self.error), "ok": False}


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a run, a task or an agent; None is no limit. `usd` in dollars, `seconds` of wall time."""

    usd: Decimal | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str | Budget | None) -> Budget | None:
        """A budget from "$0.50", "2000 tokens", "20 calls", "5 min", or several of these joined by commas."""
        if text is None or isinstance(text, Budget):
            return text
        if not isinstance(text, str):
            raise UsageError(
                f"budget {text!r} has no unit; write it like '$0.50', '2000 tokens', '20 calls' or '5 min'"
            )
        limits: dict[str, Any] = {}
        for part in text.split(","):
            name, value = _limit(part.strip())
            limits[name] = value
        return cls(**limits)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        parts = [
            f"${self.usd:f}" if self.usd is not None else "",
            f"{self.tokens} tokens" if self.tokens is not None else "",
            f"{self.calls} calls" if self.calls is not None else "",
            f"{self.seconds:g} s" if self.seconds is not None else "",
        ]
        return ", ".join(part for part in parts if part)

    def raised(self, by: Budget) -> Budget:
        """These limits with the ones that `by` names in their place."""
        return Budget(
            self.usd if by.usd is None else by.usd,
            self.tokens if by.tokens is None else by.tokens,
            self.calls if by.calls is None else by.calls,
            self.seconds if by.seconds is None else by.seconds,
        )


_LIMIT = re.compile(r"(?P<usd>\$)?\s*(?P<number>\d[\d_]*(?:\.\d+)?)\s*(?P<unit>[a-z]*)", re.IGNORECASE)
_UNITS = {"usd": "usd", "tokens": "tokens", "token": "tokens", "calls": "calls", "call": "calls"}
_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}


def _limit(part: str) -> tuple[str, Any]:
    found = _LIMIT.fullmatch(part)
    unit = found["unit"].lower() if found else ""
    if found and (found["usd"] and not unit):
        unit = "usd"
    if found and unit in _UNITS and not (found["usd"] and unit != "usd"):
        name = _UNITS[unit]
        number = Decimal(found["number"])
        return name, number if name == "usd" else int(number)
    if found and not found["usd"] and unit.rstrip("s") in _SECONDS | {"": 0} and unit:
        return "seconds", seconds(part)
    raise UsageError(f"budget {part!r} is not understood; write it like '$0.50', '2000 tokens', '20 calls' or '5 min'")


def seconds(duration: float | str) -> float:
    """Seconds of a duration: a number of seconds, or text like "90s", "15 min", "2h", "14d", "1 week"."""
    if isinstance(duration, int | float):
        return float(duration)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", duration.lower())
    unit = found[2] if found else ""
    factor = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s"))
    if not found or not factor:
        raise UsageError(f"duration {duration!r} is not understood; write it like '90s', '15 min', '2h' or '14d'")
    return float(found[1]) * factor


def at_once(limit: int | None) -> int | None:
    """How many may be at work at once; None is no limit."""
    if limit is not None and limit < 1:
        raise UsageError(f"limit={limit} would let nothing run; it is at least 1")
    return limit


def dollars(text: str | Decimal | None) -> Decimal:
    """An amount of USD from the journal or a file."""
    try:
        return Decimal(text or 0)
    except InvalidOperation as error:
        raise UsageError(f"amount {text!r} is not a number of dollars") from error


class RunState(StrEnum):
    """Where a run is; `STATE_AFTER` in `core.events` says which event leads to which."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


@frozen
class Spend:
    """What was used: USD, tokens in and out, model calls. `unpriced` counts calls whose price nobody knew."""

    usd: Decimal = Decimal(0)
    input: int = 0
    output: int = 0
    calls: int = 0
    unpriced: int = 0

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            self.usd + other.usd,
            self.input + other.input,
            self.output + other.output,
            self.calls + other.calls,
            self.unpriced + other.unpriced,
        )


@frozen
class Settings:
    """What a run was started with, beside its input; recorded, so that a resume needs no flags.

    `model` is the default model ("none" for rule-based twins), `approve` the tools whose calls are answered yes,
    `budget` the run's cap, `docs` and the like stand in `extra`. With `listens` it has no input: it begins by waiting for
    what is said first, and goes on waiting after each reply.
    """

    model: str = ""
    approve: tuple[str, ...] = ()
    budget: str = ""
    autonomy: str = "risk"
    extra: dict[str, Any] = field(default_factory=dict)
    listens: bool = False
