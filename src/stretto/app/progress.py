"""How far a run and its tasks are, and what each has used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.events import NOTHING as NOTHING_LEFT
from stretto.core.events import Row
from stretto.core.values import Spend
from stretto.runtime.view import TaskView, View

NOTHING = Spend()


def is_pruned(rows: Sequence[Row]) -> bool:
    """Whether what a run did is gone; its first event is enough to tell."""
    return bool(rows) and rows[0].body == NOTHING_LEFT


def refuse_pruned(rows: Sequence[Row]) -> None:
    """Refuse to look at what a run did where that is gone."""
    if is_pruned(rows):
        id = rows[-1].run
        raise UsageError(f"run {id} was pruned, and what it did is gone; `stretto audit verify` has the proof")


def spent_by_task(view: View) -> dict[str, Spend]:
    """What each task has used, with all below it."""
    spent: dict[str, Spend] = {}
    for step in view.steps.values():
        if step.spend.calls:
            at: TaskView | None = view.tasks.get(step.task)
            while at is not None:
                spent[at.key] = spent.get(at.key, NOTHING) + step.spend
                at = view.tasks.get(at.parent)
    return spent


def progress(view: View) -> tuple[int, int]:
    """How many tasks are done, and how many there are: in the plan, or, where there is none, so far."""
    return _in_plan(view, planned_tasks(view)) or _counted(list(view.tasks.values()))


def progress_by_task(view: View) -> dict[str, tuple[int, int]]:
    """The same of each task that gave work to others: of its own plan, where it made one."""
    below: dict[str, list[TaskView]] = {}
    for task in view.tasks.values():
        if task.parent in view.tasks:
            below.setdefault(task.parent, []).append(task)
    return {key: _in_plan(view, planned_tasks(view, key), key) or _counted(tasks) for key, tasks in below.items()}


def percent(done: int, total: int) -> int:
    """Of all, rounded down: only what is finished has 100."""
    return 100 * done // total if total else 0


def planned_tasks(view: View, task: str | None = None) -> list[dict[str, Any]]:
    """The tasks of the plan in force, of one orchestrator's task or of the outermost."""
    plan = view.plan if task is None else view.plans.get(task)
    return list(plan.get("tasks", ())) if isinstance(plan, dict) else []


def _in_plan(view: View, tasks: list[dict[str, Any]], of: str | None = None) -> tuple[int, int] | None:
    planned = {task["id"]: task.get("worker") for task in tasks}
    found = (task for task in view.tasks.values() if of is None or task.parent == of)
    done = {task.label for task in found if task.state == "done" and planned.get(task.label) == task.worker}
    return (len(done), len(planned)) if planned else None


def _counted(tasks: list[TaskView]) -> tuple[int, int]:
    return sum(task.state == "done" for task in tasks), len(tasks)
