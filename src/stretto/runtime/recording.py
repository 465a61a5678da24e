"""What a run has already done, looked up by scope and identity, never by order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stretto.core.canonical import decode, encode, identity
from stretto.core.events import (
    Answered,
    Asked,
    Decided,
    Encoded,
    Ref,
    Row,
    Ruled,
    RunFailed,
    RunResumed,
    StepDone,
    StepFailed,
    StepIntended,
    TaskFailed,
    TaskFinished,
    TaskStarted,
)
from stretto.core.scope import task_of
from stretto.core.values import Budget, Spend, dollars
from stretto.policy.standing import Rule

ROOT = "0"
"""The scope around all others."""
_ACCOUNTS = "budget "
_BEGINS = {TaskStarted.kind, StepIntended.kind, Asked.kind}
MEMORY, MESSAGE = "memory", "message"
"""The kinds of steps by which tasks of a run meet; see `runtime.board`."""
MEETINGS = (f"{MEMORY} ", f"{MESSAGE} ")
"""What the identities of these steps begin with."""
_ENDS = {TaskFinished.kind, TaskFailed.kind, StepDone.kind, StepFailed.kind, Answered.kind, Decided.kind}


@dataclass(slots=True)
class Record:
    """One step, task, question or decision: how it began (a task, an intent, a question), and how it ended."""

    begun: Row | None = None
    ended: Row | None = None


class Recording:
    """The journal of a run as its code meets it again.

    `unclaimed` holds, by scope, what the code has not asked for again: as long as there is anything in a scope, code
    in it that wants something new has taken another way than last time.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        rows = tuple(rows)
        self.tally: dict[str, int] = defaultdict(int)
        """How many events of each kind there are."""
        self._records: dict[tuple[str, str], Record] = {}
        self._failed: RunFailed | None = None
        ledger = _Ledger()
        self._effects: dict[str, Any] = {}
        self._done: list[tuple[Row, Row]] = []
        self.rules: list[Rule] = []
        """The standing rules that people made for this run."""
        self.meetings: list[Row] = []
        """What its tasks wrote to and read from each other, in order."""
        for row in rows:
            self.tally[row.kind] += 1
            ledger.see(row)
            self._see(row)
        self.parents = ledger.parents
        """The task that gave each task."""
        self.spent = ledger.totals()
        """What was spent in each task's scope and all below it."""
        self.worked = ledger.worked
        """Microseconds in which some process held the run."""
        self.begun = {ROOT: 0} | ledger.begun
        """How much of that had passed when a task began."""
        self.caps = ledger.caps
        """The caps that people raised, by the task whose budget it is."""
        self.asked: dict[str, int] = {}
        self.unclaimed: dict[str, set[str]] = {}
        for scope, ident in self._records:
            if not ident.startswith(_ACCOUNTS):
                self.unclaimed.setdefault(scope, set()).add(ident)
        self._inside: dict[str, list[str]] = {}
        """The scopes of each task: its own, and those of its branches."""
        for scope in self.unclaimed:
            self._inside.setdefault(task_of(scope), []).append(scope)

    def _see(self, row: Row) -> None:
        if row.kind in _BEGINS:
            self._record(row).begun = row
        elif row.kind in _ENDS:
            self._record(row).ended = row
            if row.kind == StepDone.kind:
                self._see_done(row)
        elif row.kind == Ruled.kind:
            self.rules.append(rule_of(row))
        elif row.kind == RunFailed.kind:
            self._failed = row.event()  # type: ignore[assignment]
        elif row.kind == RunResumed.kind and self._failed is not None:
            self._reopen(self._failed)
            self._failed = None

    def _see_done(self, row: Row) -> None:
        if row.ident.startswith("tool "):
            first = self._records.get((row.scope, first_of(row.ident))) if self.tally[StepIntended.kind] else None
            if first is not None and first.begun is not None:
                self._done.append((first.begun, row))
        elif row.ident.startswith(MEETINGS):
            self.meetings.append(row)

    def _record(self, row: Row) -> Record:
        return self._records.setdefault((row.scope, row.ident), Record())

    def _reopen(self, failed: RunFailed) -> None:
        """Forget the failures that ended the run, so that a resume tries again exactly there.

        A task among them that did not fail is one that was only asked for because others had.
        """
        for step in failed.path:
            scope, _, ident = step.partition(" ")
            record = self._records.get((scope, ident))
            if record is None:
                continue
            followed = record.ended is not None and record.ended.kind == TaskFinished.kind
            if followed or record.begun is None or record.begun.kind != TaskStarted.kind:
                del self._records[scope, ident]
            record.ended = None

    def number(self, scope: str, ident: str) -> int:
        """The number of the event with which something began that is recorded and was not asked for again; -1 if unknown."""
        record = self._records.get((scope, ident), Record())
        row = record.begun or record.ended
        return row.seq if row is not None else -1

    def claim(self, scope: str, ident: str) -> Record | None:
        """What is recorded under this identity; it counts as asked for again."""
        record = self._records.pop((scope, ident), None)
        left = self.unclaimed.get(scope)
        if record is not None and left is not None:
            left.discard(ident)
            if not left:
                del self.unclaimed[scope]
        return record

    def did(self, key: str, result: bytes) -> None:
        """Remember the result of an effect for another attempt of a task around it."""
        self._effects[key] = Encoded(result)

    def effect(self, key: str) -> Any:
        """The stored result of an effect that was done under this idempotency key; None where there is none."""
        for begun, ended in self._done:
            intent, done = begun.event(), ended.event()
            if isinstance(intent, StepIntended) and isinstance(done, StepDone):
                result = done.result if isinstance(done.result, Ref) else Encoded(encode(done.result))
                self._effects[intent.key] = result
        self._done.clear()
        return self._effects.get(key)

    def leave(self, steps: Iterable[tuple[str, str]]) -> None:
        """What abandoned branches recorded in the scopes around them is not asked for again."""
        for scope, ident in steps:
            self.claim(scope, ident)
            self.done(task_key(scope, ident))

    def question(self, stem: str) -> tuple[str, Record | None]:
        """The identity of the next question about an account: the first that was not answered yet."""
        self.asked[stem] = number = self.asked.get(stem, 0) + 1
        ident = f"{stem} {number}"
        record = self.claim(ROOT, ident)
        return self.question(stem) if record is not None and record.ended is not None else (ident, record)

    def knows(self, scope: str, ident: str) -> bool:
        """Whether something is recorded under this identity and not yet claimed."""
        return (scope, ident) in self._records

    def done(self, task: str) -> None:
        """What a finished task and its branches did inside is not asked for again."""
        for scope in self._inside.pop(task, ()):
            for ident in self.unclaimed.pop(scope, ()):
                del self._records[scope, ident]


def rule_of(row: Row) -> Rule:
    """The standing rule that an event made."""
    ruled = row.event()
    assert isinstance(ruled, Ruled)
    return Rule(ruled.rule, ruled.tool, ruled.where, ruled.by, ruled.channel)


def first_of(ident: str) -> str:
    """The identity of a call that was made again under another one: tried again, or known not to have happened."""
    while True:
        stem, _, last = ident.rpartition(" ")
        if last in ("verified", "repeated"):
            ident = stem
        elif last.isdigit() and stem.endswith(" try"):
            ident = stem[: -len(" try")]
        else:
            return ident


def next_try(ident: str) -> str:
    """The identity of the same call in the try behind this one."""
    stem, _, last = ident.rpartition(" ")
    tried = last.isdigit() and stem.endswith(" try")
    first, number = (stem.removesuffix(" try"), int(last)) if tried else (ident, 1)
    return f"{first} try {number + 1}"


def task_key(scope: str, ident: str) -> str:
    """The scope in which a task works, made of where it was given and its identity."""
    return identity(f"{scope} {ident}".encode())


class _Ledger:
    """Adds up what a run has spent; an intent without an end counts at what it reserved."""

    def __init__(self) -> None:
        self.parents: dict[str, str] = {}
        self._calls: dict[tuple[str, str], tuple[str, Spend]] = {}
        self._lost: list[tuple[str, Spend]] = []
        self.caps: dict[str, Budget] = {}
        self.worked = self._last = 0
        self.begun: dict[str, int] = {}

    def see(self, row: Row) -> None:
        if row.kind != RunResumed.kind and self._last:
            self.worked += row.time - self._last
        self._last = row.time
        if row.kind == TaskStarted.kind:
            task = task_key(row.scope, row.ident)
            self.parents[task] = task_of(row.scope)
            self.begun[task] = self.worked
        elif row.ident.startswith("model "):
            call = row.scope, row.ident
            if (
                row.kind == StepIntended.kind and call in self._calls
            ):  # the one before died, or failed, and is made again
                self._lost.append(self._calls[call])
            self._calls[call] = task_of(row.scope), spend_of(row)
        elif row.kind == Answered.kind and row.ident.startswith(_ACCOUNTS):
            answered = row.event()
            assert isinstance(answered, Answered)
            if answered.decision == "approve":
                key, cap = row.ident.split(" ")[1], Budget.parse(str(answered.value)) or Budget()
                self.caps[key] = self.caps[key].raised(cap) if key in self.caps else cap

    def totals(self) -> dict[str, Spend]:
        totals: dict[str, Spend] = {}
        for scope, spend in (*self._calls.values(), *self._lost):
            at: str | None = scope
            while at is not None:
                totals[at] = totals.get(at, _NOTHING) + spend
                at = self.parents.get(at)
        return totals


_NOTHING = Spend()


def spend_of(row: Row) -> Spend:
    """What an event about a model call says was spent."""
    body = decode(row.body) or {}
    match row.kind:
        case StepIntended.kind:
            return Spend(dollars(body.get("reserved", "")), body.get("reserved_tokens", 0), 0, 1)
        case StepDone.kind:
            usage = body.get("usage")
            if usage is None:  # a fact that a fork begins with; it was paid elsewhere
                return _NOTHING
            return Spend(dollars(body.get("cost", "")), usage[0], usage[1], 1)
        case StepFailed.kind:
            return Spend(dollars(body.get("cost", "")), calls=1)
        case _:
            return _NOTHING
