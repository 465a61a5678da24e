"""A run as people and programs look at it: its tasks, steps, questions and money, folded from its events.

Nothing here is stored; whoever has the events has all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stretto.core.blobs import Blob, fetched
from stretto.core.events import (
    STATE_AFTER,
    Answered,
    Asked,
    Decided,
    Event,
    Pruned,
    Row,
    Ruled,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunParked,
    RunResumed,
    RunStarted,
    StepDone,
    StepFailed,
    StepIntended,
    TaskFailed,
    TaskFinished,
    TaskStarted,
)
from stretto.core.scope import task_of
from stretto.core.values import RunState, Spend
from stretto.policy.standing import Rule
from stretto.runtime.recording import rule_of, spend_of, task_key


@dataclass(slots=True)
class StepView:
    """One effect: `state` is running, done, failed or doubt; times in microseconds."""

    seq: int
    task: str
    kind: str
    name: str
    ident: str
    state: str = "running"
    request: Any = None
    result: Any = None
    error: str = ""
    begun: int = 0
    took: int = 0
    before: object = None
    spend: Spend = field(default_factory=Spend)
    lost: Spend = field(default_factory=Spend)


@dataclass(slots=True)
class TaskView:
    """One worker's task: `state` is running, waiting, done, failed or left (its run went on without it)."""

    key: str
    worker: str
    label: str
    parent: str
    seq: int
    begun: int
    attempt: int = 1
    state: str = "running"
    ended: int = 0
    input: Any = None
    output: Any = None
    error: str = ""
    fingerprint: str = ""
    spend: Spend = field(default_factory=Spend)
    waits: set[str] = field(default_factory=set)
    scope: str = ""


@dataclass(slots=True)
class WaitView:
    """A question: open as long as `answer` is None."""

    asked: Asked
    seq: int
    task: str
    begun: int
    answer: Answered | None = None
    answered: int = 0
    scope: str = ""
    ident: str = ""
    withdrawn: bool = False
    """The branch that asked was abandoned: a race was won, a time limit passed."""


@dataclass(frozen=True, slots=True)
class RuleView:
    """A standing rule that a person made for the run."""

    rule: Rule
    seq: int
    begun: int


class View:
    """A run, as of the last event it was shown."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.id = ""
        self.state = RunState.RUNNING
        self.worker = ""
        self.code = ""
        self.input: Any = None
        self.output: Any = None
        self.failure: Any = None
        self.settings: Any = None
        self.begun = self.updated = 0
        self.seq = -1
        self.tasks: dict[str, TaskView] = {}
        self.steps: dict[tuple[str, str], StepView] = {}
        self.waits: dict[str, WaitView] = {}
        self._open: dict[str, WaitView] = {}
        self.decisions: list[tuple[int, str, str, Any]] = []
        self._fetched = 0
        self.rules: list[RuleView] = []
        self.parks = self.resumes = 0
        for row in rows:
            self.see(row)

    # ---- what it comes to

    @property
    def spend(self) -> Spend:
        """What the run has used."""
        total = Spend()
        for step in self.steps.values():
            total += step.spend
        return total

    @property
    def open_waits(self) -> list[WaitView]:
        """The questions nobody has answered yet, oldest first."""
        if self.state.ended:
            return []
        return [wait for wait in self._open.values() if not wait.withdrawn]

    @property
    def plan(self) -> Any:
        """The plan in force, as data: of the outermost orchestrator, of several the last; None where nothing was planned."""
        plans = self.plans
        outer = [plan for key, plan in plans.items() if not any(above in plans for above in self.above(key))]
        return outer[-1] if outer else None

    @property
    def plans(self) -> dict[str, Any]:
        """The plan in force of each orchestrator's task."""
        return {task_of(scope): value for _, scope, name, value in self.decisions if name == "plan"}

    def above(self, key: str) -> Iterator[str]:
        """The tasks around a task, innermost first."""
        while key in self.tasks:
            key = self.tasks[key].parent
            yield key

    def children(self, key: str) -> list[TaskView]:
        """The tasks that a task gave to others, in the order of their beginning."""
        return [task for task in self.tasks.values() if task.parent == key]

    async def whole(self, blob: Blob) -> View:
        """Fetch what lies in the blob table: input, output, questions, plan."""
        self.input, self.output = await fetched(self.input, blob), await fetched(self.output, blob)
        self.failure, self.settings = await fetched(self.failure, blob), await fetched(self.settings, blob)
        new, self.decisions = self.decisions[self._fetched :], self.decisions[: self._fetched]
        for seq, scope, name, value in new:
            self._decided(seq, scope, name, await fetched(value, blob))
        self._fetched = len(self.decisions)
        return self

    # ---- the fold

    def see(self, row: Row) -> None:
        """Take in the next event."""
        self.seq, self.updated = row.seq, row.time
        self.state = STATE_AFTER.get(row.kind, self.state)
        task = task_of(row.scope)
        event = row.event()
        match event:
            case TaskStarted() | TaskFinished() | TaskFailed():
                self._see_task(row, task, event)
            case StepIntended() | StepDone() | StepFailed():
                self._see_step(row, task, event)
            case Asked() | Answered():
                self._see_wait(row, task, event)
            case Ruled():
                self.rules.append(RuleView(rule_of(row), row.seq, row.time))
            case Decided(name=name, value=value):
                self._decided(row.seq, row.scope, name, value)
            case _:
                self._see_run(row, event)

    def _see_run(self, row: Row, event: Event) -> None:
        match event:
            case RunStarted() as started:
                self.id, self.begun, self.worker, self.code = row.run, row.time, started.worker, started.code
                self.input, self.settings = started.input, started.settings
            case RunFinished(output=output):
                self.output = output
            case RunFailed(failure=failure):
                self.failure = failure
            case RunCancelled():
                for step in self.steps.values():  # what was reserved for calls that were cut off is released
                    if step.kind == "model" and step.state == "running":
                        step.spend = step.lost
            case RunParked():
                self.parks += 1
            case Pruned(by=by) if self.state is RunState.FAILED:
                self.failure = {"worker": self.worker or "its worker", "error": f"pruned by {by}", "kind": Pruned.kind}
            case RunResumed():
                self.resumes, self.failure, self.output = self.resumes + 1, None, None
            case _:
                pass  # what is left changes nothing but the state

    def _see_task(self, row: Row, task: str, event: TaskStarted | TaskFinished | TaskFailed) -> None:
        match event:
            case TaskStarted() as started:
                self.tasks[started.task] = TaskView(
                    started.task,
                    started.worker,
                    started.label,
                    task,
                    row.seq,
                    row.time,
                    started.attempt,
                    input=started.input,
                    fingerprint=started.fingerprint,
                    scope=row.scope,
                )
            case TaskFinished(output=output):
                self._end_task(row, "done", output=output)
            case TaskFailed(failure=failure):
                self._end_task(row, "failed", failure=failure)

    def _see_wait(self, row: Row, task: str, event: Asked | Answered) -> None:
        match event:
            case Asked() as asked:
                new = WaitView(asked, row.seq, task, row.time, scope=row.scope, ident=row.ident)
                self.waits[asked.wait] = self._open[asked.wait] = new
                self._wait(task, asked.wait, begins=True)
            case Answered(wait=wait) as answered:
                if (asked_before := self._open.pop(wait, None)) is not None:
                    asked_before.answer, asked_before.answered = answered, row.time
                self._wait(task, wait, begins=False)

    def _decided(self, seq: int, scope: str, name: str, value: Any) -> None:
        match value:
            case {"branch": int(branch), "of": list(forks), "left": list(left)}:
                self._abandon({fork for place, fork in enumerate(forks) if place != branch}, left)
                value = branch
            case _:
                pass
        self.decisions.append((seq, scope, name, value))

    def _abandon(self, forks: set[str], left: list[Any]) -> None:
        """Branches were left alone: their tasks do not end, and nobody waits for answers to their questions."""
        gone = forks | {task_key(scope, ident) for scope, ident in left}
        asked = {(scope, ident) for scope, ident in left}
        for task in self.tasks.values():  # in the order of their beginning: outer ones first
            if task.key in gone or self._within(task.scope, gone):
                gone.add(task.key)
                task.state = task.state if task.ended else "left"
        for wait in self._open.values():
            if self._within(wait.scope, gone) or (wait.scope, wait.ident) in asked:
                wait.withdrawn = True

    @staticmethod
    def _within(scope: str, gone: set[str]) -> bool:
        while scope and scope not in gone:
            scope = scope.rpartition(".")[0]
        return bool(scope)

    def _end_task(self, row: Row, state: str, output: Any = None, failure: Any = None) -> None:
        task = self.tasks[task_key(row.scope, row.ident)]
        task.state, task.ended, task.output = state, row.time, output
        task.error = failure.get("error", "") if isinstance(failure, dict) else ""

    def _wait(self, key: str, wait: str, *, begins: bool) -> None:
        task = self.tasks.get(key)
        if task is not None:
            (task.waits.add if begins else task.waits.discard)(wait)
            task.state = "waiting" if task.waits else "running"

    def _see_step(self, row: Row, task: str, event: StepIntended | StepDone | StepFailed) -> None:
        step = self.steps.get((row.scope, row.ident))
        if step is None:
            step = StepView(row.seq, task, event.step, event.name, row.ident, request=event.request, begun=row.time)
            self.steps[row.scope, row.ident] = step
        if event.step == "model":
            if isinstance(event, StepIntended):  # what an earlier try of the same call cost is not forgotten
                step.lost = step.spend
            step.spend = step.lost + spend_of(row)
        match event:
            case StepDone():
                step.state, step.result, step.took, step.error = "done", event.result, event.took, ""
            case StepFailed():
                step.state, step.error, step.took = "doubt" if event.doubt else "failed", event.error, event.took
            case StepIntended(before=before):
                step.state, step.before = "running", before
