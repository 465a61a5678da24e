"""Checks of what an agent is given (`guards=`) and of what it answers (`accept=`): functions, workers, and judges.

A plain function is computation; an async one is a worker, as it may call others. Each verdict is a recorded decision.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.values import Score
from stretto.runtime import tasks
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow, typed
from stretto.tools.signature import called, injections, summary


@dataclass(frozen=True)
class AtLeast:
    """A judge, and the score from which on it accepts."""

    score: float
    judge: Worker[Any, Any] | Callable[..., Any]


def at_least(score: float, judge: Worker[Any, Any] | Callable[..., Any]) -> AtLeast:
    """For `accept=`: what `judge`, a worker or function that gives a `Score` or a number, gives `score` or more."""
    return AtLeast(score, judge)


@dataclass(frozen=True)
class Check:
    """One check: a function or a worker, maybe with the score that it must give."""

    does: Callable[..., Any] | Worker[Any, Any]
    score: float | None = None

    @property
    def name(self) -> str:
        """What the journal calls it."""
        return self.does.name if isinstance(self.does, Worker) else called(self.does)

    def describe(self) -> object:
        """What it would do, as data."""
        does = self.does if isinstance(self.does, Worker) else Workflow(self.does, self.name)
        return {"score": self.score, **does.describe()} if isinstance(does, Workflow) else [self.score, self.name]


def checks_of(things: object, kind: object) -> tuple[Check, ...]:
    """The checks that were given, alone or as a list; `kind` is the type of what they look at."""
    listed = things if isinstance(things, list | tuple) else [things]
    return tuple(_check(thing, kind) for thing in listed)


def _check(thing: Any, kind: Any, score: float | None = None) -> Check:
    if isinstance(thing, AtLeast):
        return _check(thing.judge, kind, thing.score)
    if isinstance(thing, Worker):
        if getattr(thing, "output", None) is str:
            raise UsageError(
                f"{thing.name} answers with text, which is neither a yes nor a no; as a check it needs output=bool, "
                "or a type with ok and reason, or Score inside at_least(0.8, ...)"
            )
        return Check(thing, score)
    if not callable(thing):
        raise UsageError(f"{thing!r} is no check; give a function of the value, a worker, or at_least(0.8, judge)")
    return Check(typed(thing, kind, Any) if inspect.iscoroutinefunction(thing) else thing, score)


async def complaint(scope: Scope, occasion: str, checks: Sequence[Check], value: object) -> str:
    """Why the first check that does not accept a value does not; "" where all do. Each verdict is recorded."""
    for check in checks:
        if isinstance(check.does, Worker):
            said = partial(_verdict, check, await tasks.call(scope, check.does, value, occasion))
        else:
            said = partial(_computed, check, check.does, value, scope.run.deps)
        verdict = await scope.decide(occasion, said)
        if not verdict["ok"]:
            return str(verdict["reason"])
    return ""


def _computed(check: Check, does: Callable[..., Any], value: Any, deps: Mapping[type, Any]) -> dict[str, Any]:
    try:
        said = does(value, **injections(does, deps))
    except (ValueError, AssertionError) as error:
        said = str(error) or False
    if inspect.isawaitable(said):
        raise UsageError(
            f"the check {check.name} gives what must be awaited; make it `async def`, or give the worker itself"
        )
    return _verdict(check, said)


def _verdict(check: Check, said: Any) -> dict[str, Any]:
    ok, reason = _scored(check, said, check.score) if check.score is not None else _judged(check, said)
    return {"by": check.name, "ok": ok, "reason": "" if ok else reason or _wanted(check)}


def _judged(check: Check, said: Any) -> tuple[bool, str]:
    if said is None or isinstance(said, bool):
        return said is not False, ""
    if isinstance(said, str):
        return not said, said
    ok = _field(said, "ok")
    if isinstance(ok, bool):
        return ok, str(_field(said, "reason") or _field(said, "feedback") or "")
    if isinstance(said, Score):
        raise UsageError(f"{check.name} gives a score; say from which on it accepts: at_least(0.8, {check.name})")
    raise UsageError(
        f"the check {check.name} gave {said!r}; it gives True or None to accept, False or a reason to refuse, or a "
        "value with ok and reason"
    )


def _scored(check: Check, said: Any, needed: float) -> tuple[bool, str]:
    value = said if isinstance(said, int | float) and not isinstance(said, bool) else _field(said, "value")
    if not isinstance(value, int | float):
        raise UsageError(f"{check.name} gave {said!r}, which is no score; inside at_least it gives a Score or a number")
    reason = _field(said, "reason")
    return value >= needed, f"it scored {value:g}, and {needed:g} is needed" + (f": {reason}" if reason else "")


def _field(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, Mapping) else getattr(said, name, None)


def _wanted(check: Check) -> str:
    """What a check that gives no reason is about: its docstring, else its name."""
    about = check.does.description if isinstance(check.does, Worker) else summary(check.does)
    return f"it does not pass the check {check.name}" + (f": {about}" if about else "")
