"""Provenance, or what fed something: all that had come to its end where it stands, before it began, and so may have led to it."""

from __future__ import annotations

from collections.abc import Sequence

from stretto.app.progress import planned_tasks
from stretto.app.steps import Entry
from stretto.core.events import Answered, Ref, Row, StepDone, TaskFinished
from stretto.core.scope import task_of
from stretto.runtime.recording import task_key
from stretto.runtime.view import TaskView, View

_SAYS = (StepDone.kind, TaskFinished.kind, Answered.kind)


def fed(view: View, rows: Sequence[Row], scope: str, ident: str) -> list[Entry]:
    """The steps, answers and finished tasks before a step or task (by scope and identity), oldest first.

    In each task around, innermost first: of a planned task what the plan says that it needs; else what had ended, but
    in branches beside its own. Each is `{step, kind, name, label, task, result}`.
    """
    found: dict[int, Entry] = {}
    ends = [row for row in rows if row.kind in _SAYS]
    while scope:
        begun = next((row.seq for row in rows if (row.scope, row.ident) == (scope, ident)), len(rows))
        branch = next((row.seq for row in rows if row.scope.startswith(scope)), begun)
        key = task_of(scope)
        needed = _needed(view, view.tasks.get(task_key(scope, ident)))
        for row in ends:
            if task_of(row.scope) == key and row.seq < begun and (row.scope, row.ident) != (scope, ident):
                inside = scope == row.scope or scope.startswith(f"{row.scope}.") or row.seq < branch
                entry = _entry(view, row)
                if entry is not None and inside and (needed is None or entry["label"] in needed):
                    found[row.seq] = entry
        task = view.tasks.get(key)
        scope, ident = _place(rows, task) if task is not None else ("", "")
    return [found[seq] for seq in sorted(found)]


def _place(rows: Sequence[Row], task: TaskView) -> tuple[str, str]:
    """Where a task was given."""
    row = rows[task.seq]
    return row.scope, row.ident


def _needed(view: View, task: TaskView | None) -> set[str] | None:
    """The labels of all tasks that a planned one needs, and those need; None for one that no plan has."""
    plan = {one["id"]: one for one in planned_tasks(view, task.parent)} if task is not None else {}
    if task is None or task.label not in plan:
        return None
    left, needed = [task.label], set[str]()
    while left:
        for name in plan.get(left.pop(), {}).get("after", ()):
            if name not in needed:
                needed.add(name)
                left.append(name)
    return needed


def _entry(view: View, row: Row) -> Entry | None:
    match row.event():
        case StepDone() as done:
            step = view.steps[row.scope, row.ident]
            return _said(view, row, step.seq, done.step, done.name, "", done.result)
        case TaskFinished(output=output):
            task = view.tasks[task_key(row.scope, row.ident)]
            return _said(view, row, task.seq, "task", task.worker, task.label, output)
        case Answered(wait=wait, decision=decision) if wait in view.waits:
            asked = view.waits[wait]
            what = asked.asked.tool or asked.asked.prompt
            return _said(view, row, asked.seq, asked.asked.ask, what, "", decision)
        case _:
            return None


def _said(view: View, row: Row, step: int, kind: str, name: str, label: str, result: object) -> Entry:
    task = view.tasks.get(task_of(row.scope))
    return {
        "step": step, "kind": kind, "name": name, "label": label, "task": task.worker if task else "",
        "result": None if isinstance(result, Ref) else result,
    }  # fmt: skip
