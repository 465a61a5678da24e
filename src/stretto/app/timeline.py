"""Where a run's time went: every task and step over time, apart by what it was, and what waited for what.

Times in the data are seconds, counted from the run's beginning. All of it is read off the journal.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from stretto.app.gaps import SECOND, Gaps
from stretto.app.progress import NOTHING, planned_tasks, refuse_pruned
from stretto.core.events import Row, StepDone, StepFailed, StepIntended, TaskStarted
from stretto.core.scope import task_of
from stretto.core.values import RunState, Spend
from stretto.runtime.view import TaskView, View, WaitView

Kind = Literal["model", "tool", "step", "queue", "person", "signal", "timer"]
_MOST = 5
"""Of the slowest steps, the largest users of tokens and the longest hand-overs."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Something that took time in a task: a model or tool at work, a turn waited for, a person, a signal, a timer."""

    kind: Kind
    step: int
    name: str
    begun: float
    ended: float
    state: str = "done"

    @property
    def took(self) -> float:
        """Seconds."""
        return self.ended - self.begun


@dataclass(frozen=True, slots=True)
class Handover:
    """From the end of what fed a task (`after`, a step; None is the run's own beginning) to its beginning."""

    after: int | None
    worker: str
    seconds: float


@dataclass(slots=True)
class Lane:
    """A task over time. `own` is what it took beside its steps and the tasks that it gave to others."""

    step: int
    worker: str
    label: str
    depth: int
    state: str
    begun: float
    ended: float
    own: float = 0.0
    handover: Handover | None = None
    tokens: int = 0
    usd: str = ""
    stretches: list[Stretch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Time:
    """`wall` seconds from begin to end, of these `busy` with a process at work, in which `steps` seconds of steps were done.

    `work` counts the tasks that are plain computation as well; `at_once` is how much of it went on at the same time.
    """

    wall: float
    busy: float
    steps: float
    work: float
    at_once: float
    by_kind: dict[str, float]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run over time. `idle` are the times in which no process held it."""

    run: str
    state: str
    time: Time
    lanes: list[Lane]
    idle: list[tuple[float, float]]
    slowest: list[dict[str, Any]]
    hogs: list[dict[str, Any]]
    handovers: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """The timeline for programs."""
        return asdict(self)


def timeline(view: View, rows: Sequence[Row], now: int) -> Timeline:
    """The timeline of a run with these events, as of `now` (microseconds since 1970)."""
    refuse_pruned(rows)
    return _Reading(view, rows, view.updated if view.state.ended else now).timeline()


class _Reading:
    def __init__(self, view: View, rows: Sequence[Row], until: int) -> None:
        self._view, self._until = view, until
        self._gaps = Gaps(rows).rest(until) if view.state is RunState.WAITING else Gaps(rows)
        self._queued: dict[str, int] = {}
        self._stretches: dict[str, list[Stretch]] = {}
        self._ends: dict[str, list[tuple[int, int]]] = {}
        """By task: when something in it ended, and the step that it was."""
        self._children: dict[str, list[TaskView]] = {}
        for task in view.tasks.values():
            self._children.setdefault(task.parent, []).append(task)
        self._spent: dict[str, Spend] = {}
        for step in view.steps.values():
            if step.spend.calls:
                self._spent[step.task] = self._spent.get(step.task, NOTHING) + step.spend
        self._plans = {key: {one["id"]: one for one in planned_tasks(view, key)} for key in view.plans}
        self._idle = [(self._at(begin), self._at(end)) for begin, end in self._gaps.idle]
        self._read(rows)
        for wait in view.waits.values():
            self._wait(wait)
        for task in view.tasks.values():
            if task.ended:
                self._ends.setdefault(task.parent, []).append((task.ended, task.seq))
        for ends in self._ends.values():
            ends.sort()

    def timeline(self) -> Timeline:
        view = self._view
        lanes = {task.key: self._lane(task) for task in view.tasks.values()}
        for task in view.tasks.values():
            lanes[task.key].depth = lanes[task.parent].depth + 1 if task.parent in lanes else 0
        steps = [(key, one) for key, found in self._stretches.items() for one in found]
        return Timeline(
            view.id, view.state.value, self._time([one for _, one in steps]), list(lanes.values()),
            self._idle,
            list(self._slowest(steps)), list(self._hogs()), list(self._handovers(lanes)),
        )  # fmt: skip

    def _at(self, time: int) -> float:
        return max(0, time - self._view.begun) / SECOND

    # ---- what took time

    def _read(self, rows: Iterable[Row]) -> None:
        intents: dict[tuple[str, str], Row] = {}
        for row in rows:
            match row.event():
                case StepIntended():
                    intents[row.scope, row.ident] = row
                case StepDone() | StepFailed() as event:
                    self._step(row, event, intents.pop((row.scope, row.ident), None))
                case TaskStarted(task=key, queued=queued) if queued:
                    self._queued[key] = queued
                case _:
                    pass
        for row in intents.values():
            if isinstance(meant := row.event(), StepIntended) and not self._view.state.ended:
                times = self._at(row.time), self._at(self._until)
                self._add(row.scope, Stretch(_kind(meant.step), row.seq, meant.name, *times, "running"))

    def _step(self, row: Row, event: StepDone | StepFailed, intent: Row | None) -> None:
        """An effect, after the time in which it was only meant: the intent's commit, and a turn that it waited for."""
        first = intent.time if intent is not None else self._view.begun
        begun = max(first, row.time - event.took) if event.took or intent is None else first
        turn = begun + (event.queued if isinstance(event, StepDone) else 0)
        number = intent.seq if intent is not None else row.seq
        asked = intent.time if intent is not None else begun
        if turn > asked:
            self._add(row.scope, Stretch("queue", number, event.name, self._at(asked), self._at(turn)))
        state = "done" if isinstance(event, StepDone) else "doubt" if event.doubt else "failed"
        ended = self._at(row.time)
        self._add(row.scope, Stretch(_kind(event.step), number, event.name, self._at(turn), ended, state))
        self._ends.setdefault(task_of(row.scope), []).append((row.time, number))

    def _wait(self, wait: WaitView) -> None:
        asked = wait.asked
        kind: Kind = "timer" if asked.ask == "timer" else "signal" if asked.ask == "signal" else "person"
        ended = wait.answered or (self._until if not self._view.state.ended and not wait.withdrawn else wait.begun)
        state = "done" if wait.answer is not None else "left" if wait.withdrawn else "waiting"
        what = asked.tool or asked.prompt
        self._add(wait.scope, Stretch(kind, wait.seq, what, self._at(wait.begun), self._at(ended), state))
        if wait.answered:
            self._ends.setdefault(wait.task, []).append((wait.answered, wait.seq))

    def _add(self, scope: str, stretch: Stretch) -> None:
        self._stretches.setdefault(task_of(scope), []).append(stretch)

    # ---- tasks

    def _lane(self, task: TaskView) -> Lane:
        state = "left" if self._view.state.ended and not task.ended else task.state
        begun, ended = self._at(task.begun), self._at(task.ended or self._until)
        found = sorted(self._stretches.get(task.key, ()), key=lambda one: one.begun)
        if queued := self._queued.get(task.key):
            found.insert(0, Stretch("queue", task.seq, task.worker, begun - queued / SECOND, begun))
        spend = self._spent.get(task.key, NOTHING)
        lane = Lane(task.seq, task.worker, task.label, 0, state, begun, ended, stretches=found)
        lane.tokens, lane.usd = spend.input + spend.output, str(spend.usd) if spend.usd else ""
        busy = [(one.begun, one.ended) for one in found]
        busy += [
            (self._at(child.begun), self._at(child.ended or self._until)) for child in self._children.get(task.key, ())
        ]
        lane.own = round(max(0.0, ended - begun - _covered([*busy, *self._idle], begun, ended)), 6)
        lane.handover = self._handover(task)
        return lane

    def _handover(self, task: TaskView) -> Handover:
        """How long after the last thing that fed it a task began; what it waited for its turn is not counted."""
        ended, after = self._fed_by(task) or (self._parent_begun(task), self._parent_step(task))
        took = self._gaps.busy(ended, task.begun) - self._queued.get(task.key, 0)
        return Handover(after, task.worker, max(0, took) / SECOND)

    def _fed_by(self, task: TaskView) -> tuple[int, int] | None:
        """The last of the tasks that a plan says it needs, else what ended around it last before it began."""
        if needed := self._plans.get(task.parent, {}).get(task.label, {}).get("after", ()):
            found = [(one.ended, one.seq) for one in self._children[task.parent] if one.label in needed and one.ended]
            if found:
                return max(found)
        ends = self._ends.get(task.parent, [])
        at = bisect_right(ends, (task.begun, task.seq))
        return next((end for end in reversed(ends[max(0, at - 2) : at]) if end[1] != task.seq), None)

    def _parent_begun(self, task: TaskView) -> int:
        parent = self._view.tasks.get(task.parent)
        return parent.begun if parent else self._view.begun

    def _parent_step(self, task: TaskView) -> int | None:
        parent = self._view.tasks.get(task.parent)
        return parent.seq if parent else None

    # ---- what it comes to

    def _time(self, stretches: Sequence[Stretch]) -> Time:
        by_kind: dict[str, float] = {}
        for one in stretches:
            by_kind[one.kind] = round(by_kind.get(one.kind, 0.0) + one.took, 6)
        queued = sum(self._queued.values()) / SECOND
        if queued:
            by_kind["queue"] = round(by_kind.get("queue", 0.0) + queued, 6)
        told = worked(self._view, self._gaps, self._until)
        steps = sum(by_kind.get(kind, 0.0) for kind in ("model", "tool", "step"))
        return Time(told["whole"], told["busy"], round(steps, 6), told["work"], told["at_once"], by_kind)

    def _slowest(self, steps: Iterable[tuple[str, Stretch]]) -> Iterator[dict[str, Any]]:
        """The steps that took longest; of tasks without any, the tasks."""
        found: list[tuple[float, int, str, str, str]] = [
            (one.took, one.step, one.kind, one.name, key) for key, one in steps if one.kind in ("model", "tool", "step")
        ]
        busy = {task.parent for task in self._view.tasks.values()} | set(self._stretches)
        found += [
            (self._gaps.busy(task.begun, task.ended) / SECOND, task.seq, "task", task.worker, task.parent)
            for task in self._view.tasks.values() if task.ended and task.key not in busy
        ]  # fmt: skip
        for took, step, kind, name, key in sorted(found, reverse=True, key=lambda one: (one[0], -one[1]))[:_MOST]:
            task = self._view.tasks.get(key)
            yield {"step": step, "kind": kind, "name": name, "worker": task.worker if task else "", "seconds": took}

    def _hogs(self) -> Iterator[dict[str, Any]]:
        """The tasks whose own model calls used the most tokens."""
        total = sum((spend.input + spend.output for spend in self._spent.values()), 0)
        for key, spend in sorted(self._spent.items(), key=lambda one: -(one[1].input + one[1].output))[:_MOST]:
            if (task := self._view.tasks.get(key)) is not None and spend.input + spend.output:
                yield {
                    "step": task.seq, "worker": task.worker, "label": task.label, "calls": spend.calls,
                    "input": spend.input, "output": spend.output, "usd": str(spend.usd),
                    "share": round((spend.input + spend.output) / total, 4),
                }  # fmt: skip

    def _handovers(self, lanes: dict[str, Lane]) -> Iterator[dict[str, Any]]:
        """The longest ones."""
        found = [(lane.handover, lane) for lane in lanes.values() if lane.handover is not None and lane.depth]
        for handover, lane in sorted(found, key=lambda one: -one[0].seconds)[:_MOST]:
            yield {"after": handover.after, "step": lane.step, "worker": lane.worker, "label": lane.label,
                   "seconds": handover.seconds}  # fmt: skip


def worked(view: View, gaps: Gaps, until: int) -> dict[str, float]:
    """Seconds: from begin to end, of these with a process at work, and the work that was done in them."""
    busy, work = gaps.busy(view.begun, until), _work(view, gaps)
    return {
        "whole": (until - view.begun) / SECOND, "busy": busy / SECOND, "work": work / SECOND,
        "at_once": round(work / busy, 2) if busy else 1.0,
    }  # fmt: skip


def _work(view: View, gaps: Gaps) -> int:
    """What all tasks took that gave nothing away and waited for nobody, and all steps of the others."""
    steps: dict[str, int] = {}
    for step in view.steps.values():
        steps[step.task] = steps.get(step.task, 0) + step.took
    others = {task.parent for task in view.tasks.values()} | {wait.task for wait in view.waits.values()}
    total = steps.get("", 0)
    for task in view.tasks.values():
        own = 0 if task.key in others or not task.ended else gaps.busy(task.begun, task.ended)
        total += max(own, steps.get(task.key, 0))
    return total


def _kind(step: str) -> Kind:
    return "model" if step == "model" else "tool" if step == "tool" else "step"


def _covered(stretches: Iterable[tuple[float, float]], begin: float, end: float) -> float:
    """How much of a time is covered by at least one of several."""
    total, at = 0.0, begin
    for begun, ended in sorted(stretches):
        begun, ended = max(begun, at), min(ended, end)
        if ended > begun:
            total, at = total + ended - begun, ended
    return total
