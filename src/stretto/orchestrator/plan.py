"""A plan is data: tasks with worker, goal, inputs, dependencies and acceptance. Nothing here has an effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from stretto.core.errors import UsageError


@dataclass(frozen=True)
class PlannedTask:
    """One task. `after` names the tasks whose results it needs, `accept` says when its result is good enough."""

    id: str
    goal: str
    worker: str = ""
    after: tuple[str, ...] = ()
    inputs: dict[str, Any] = field(default_factory=dict)
    accept: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Plan:
    """Tasks and how they depend on each other; `version` counts the revisions, `why` gives the planner's reason."""

    tasks: tuple[PlannedTask, ...]
    version: int = 1
    why: str = ""

    def order(self) -> list[PlannedTask]:
        """The tasks, each after those it needs; a cycle is a `UsageError` that names it."""
        by_id = {task.id: task for task in self.tasks}
        done: dict[str, PlannedTask] = {}
        for task in self.tasks:
            _visit(task, by_id, done, [])
        return list(done.values())

    def leaves(self) -> list[PlannedTask]:
        """The tasks that no other task needs."""
        needed = {name for task in self.tasks for name in task.after}
        return [task for task in self.tasks if task.id not in needed]


@dataclass(frozen=True)
class WorkerCard:
    """A worker as a planner sees it."""

    name: str
    about: str = ""
    takes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """A task that failed, as a planner is told of it."""

    task: str
    worker: str
    error: str
    input: Any = None
    attempts: int = 1


@dataclass(frozen=True)
class Brief:
    """What a planner is given: the goal, who can work, and, from the second version on, what came of the one before."""

    goal: Any
    workers: tuple[WorkerCard, ...]
    before: Plan | None = None
    finished: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A reviewer's opinion of one result."""

    ok: bool
    reason: str = ""


def _visit(task: PlannedTask, by_id: Mapping[str, PlannedTask], done: dict[str, PlannedTask], path: list[str]) -> None:
    if task.id in done:
        return
    if task.id in path:
        raise UsageError(
            f"the plan goes in a circle: {' -> '.join([*path[path.index(task.id) :], task.id])}; "
            "a task can only need tasks that do not need it"
        )
    for name in task.after:
        if name not in by_id:
            raise UsageError(
                f"task {task.id!r} waits for {name!r}, which the plan does not contain; its tasks are "
                f"{', '.join(by_id)}"
            )
        _visit(by_id[name], by_id, done, [*path, task.id])
    done[task.id] = task


def check(plan: Plan, workers: Sequence[str]) -> Plan:
    """The plan, if it can be carried out: unique ids, known workers, no circle."""
    ids = [task.id for task in plan.tasks]
    if not ids:
        raise UsageError("the plan has no tasks; a plan needs at least one")
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"the plan has two tasks named {twice!r}; each needs an id of its own")
    for task in plan.tasks:
        if task.worker not in workers:
            near = get_close_matches(task.worker, workers, 1)
            raise UsageError(
                f"task {task.id!r} is for worker {task.worker!r}, who is not here; the workers are "
                f"{', '.join(workers)}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
    plan.order()
    return plan


def revised(before: Plan, after: Plan, finished: Iterable[str]) -> Plan:
    """The next version: what is finished stays as it was, everything else is the planner's."""
    kept = [task for task in before.tasks if task.id in set(finished)]
    names = {task.id for task in kept}
    return replace(
        after, tasks=(*kept, *(task for task in after.tasks if task.id not in names)), version=before.version + 1
    )
