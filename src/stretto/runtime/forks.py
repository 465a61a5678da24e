"""Time travel: go through a run again without doing anything, or begin a new run from the middle of an old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from stretto.core.canonical import encode
from stretto.core.errors import Evicted, ReplayMismatch, UsageError
from stretto.core.events import (
    Answered,
    Asked,
    Encoded,
    Event,
    Ref,
    Row,
    RunFailed,
    RunFinished,
    StepDone,
    StepFailed,
    StepIntended,
    TaskFinished,
    TaskStarted,
    write,
)
from stretto.core.ports import Durability, Entry
from stretto.core.scope import current
from stretto.runtime.execution import Execution
from stretto.runtime.outside import Outside
from stretto.runtime.recording import first_of

_FACTS = set(
    "task_started task_finished task_failed step_intended step_done step_failed asked answered decided".split()
)
_PERMISSIONS = ("ask ", "budget ", "doubt ")
"""What the questions begin with whose answers allow something; they do not carry over."""


class Rehearsal(Execution):
    """A run gone through again, its finished tasks too, with no effect allowed; the first difference ends it."""

    rehearses = True

    def compare(self, rows: Sequence[Row]) -> None:
        """Say what was recorded."""
        self._ends = {(row.scope, row.ident): row for row in rows if row.kind in ("task_finished", "task_failed")}

    def outside(self) -> Outside:
        """Refuse every effect that is not recorded, before it happens."""
        scope = current.get()
        self.stop(
            ReplayMismatch(
                f"run {self.id}: {scope.worker if scope else 'the code'} now wants an effect that is not in the "
                "journal; nothing was done"
            )
        )
        raise Evicted

    def append(self, event: Event, scope: str, ident: str, durability: Durability, *_: Any, **__: Any) -> None:
        """Refuse what is not recorded. The end of the run itself is for the caller to compare."""
        if isinstance(event, RunFinished | RunFailed):
            return
        recorded = self._ends.get((scope, ident))
        if recorded is not None and recorded.kind == event.kind and write(event)[0] == recorded.body:
            return
        what = " ".join(ident.split(" ")[:2]) or event.kind
        differs = (
            "comes to another result than the one recorded" if recorded else "is wanted now, and is not in the journal"
        )
        self.stop(ReplayMismatch(f"run {self.id}: {what} {differs}; nothing was done"))
        raise Evicted


def prefix(rows: Sequence[Row], at: int, now: int) -> list[Entry]:
    """The facts of a run up to and with event `at`, as entries of a new one: without approvals, and without costs."""
    if type(at) is not int or not 0 <= at < len(rows):
        raise UsageError(f"there is no step {at!r} in this run; its events are 0 to {len(rows) - 1}")
    facts = [row for row in rows[: at + 1] if row.kind in _FACTS]
    doubt = _doubtful(facts)
    if doubt is not None:
        raise UsageError(
            f"step {doubt.seq} is in doubt at {at}, so nobody knows what a fork there would begin from; settle it "
            "with `stretto resolve`, or fork before it"
        )
    return [Entry(event, row.scope, row.ident, now) for row in facts if (event := _fact(row)) is not None]


def _doubtful(rows: Sequence[Row]) -> Row | None:
    """An effect that had begun and not come to a known end."""
    begun: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = row.scope, first_of(row.ident)
        match row.event():
            case StepIntended(effect=effect) if effect == "once":
                begun[key] = row
            case StepDone():
                begun.pop(key, None)
            case StepFailed(doubt=doubt) if not doubt:
                begun.pop(key, None)
            case _:
                continue
    return next(iter(begun.values()), None)


def _fact(row: Row) -> Event | None:
    """An event as a fact for another run; None for what does not carry over."""
    match row.event():
        case Asked() | Answered() if row.ident.startswith(_PERMISSIONS):
            return None
        case StepIntended() as intent:
            return replace(intent, reserved="", reserved_tokens=0, request=_value(intent.request))
        case StepDone() as done:
            return replace(done, cost="", usage=None, result=_value(done.result), request=_value(done.request))
        case TaskStarted() as started:
            return replace(started, input=_value(started.input))
        case TaskFinished(output=output, memo=memo):
            return TaskFinished(_value(output), _value(memo))
        case event:
            return _whole(event)


def _whole(event: Event) -> Event:
    names: list[str] = [field.name for field in fields(event)]  # type: ignore[arg-type]  # each kind is a dataclass
    changes = {name: _value(value) for name in names if isinstance(value := getattr(event, name), dict | list)}
    return replace(event, **changes) if changes else event  # type: ignore[type-var]


def _value(value: Any) -> Any:
    return value if value is None or isinstance(value, Ref) else Encoded(encode(value))
