"""What workers' models were sent, exactly as the journal has it, and what was left out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from stretto.app.steps import Entry, conversation
from stretto.core.blobs import Blob, fetched
from stretto.core.errors import UsageError
from stretto.core.scope import task_of
from stretto.runtime.view import StepView, TaskView, View


async def contexts(view: View, which: str, blob: Blob) -> list[Entry]:
    """For each task that `which` names: its requests, whole and in order, and what its models did not get to see.

    `which` is the number of a task or of a step in it, a worker's name, a plan's id for a task, or a task's scope. The
    number of a model's call gives that one request alone. Raises `UsageError` where nothing is called that.
    """
    steps = [step for step in view.steps.values() if step.kind == "model"]
    only = [step for step in steps if which == str(step.seq)]
    chosen = [view.tasks[step.task] for step in only] or list(_named(view, which))
    if not chosen:
        known = ", ".join(dict.fromkeys(task.label or task.worker for task in view.tasks.values()))
        raise UsageError(
            f"run {view.id} has no task {which!r}; a task is named by its step (`stretto show {view.id}` numbers them), "
            f"its worker or its id in the plan: {known or 'none has begun'}"
        )
    return [
        {
            "step": task.seq, "worker": task.worker, "label": task.label,
            "requests": [await _request(step, blob) for step in only or steps if step.task == task.key],
            "left_out": [one async for one in _left_out(view, task, blob)],
        }
        for task in chosen
    ]  # fmt: skip


def _named(view: View, which: str) -> Iterator[TaskView]:
    inside = {step.task for step in view.steps.values() if str(step.seq) == which}
    inside |= {wait.task for wait in view.waits.values() if str(wait.seq) == which}
    for task in view.tasks.values():
        if which in (str(task.seq), task.worker, task.label, task.key, task.scope) or task.key in inside:
            yield task


async def _request(step: StepView, blob: Blob) -> Entry:
    return {"step": step.seq, "state": step.state, **await conversation(await fetched(step.request, blob), blob)}


async def _left_out(view: View, task: TaskView, blob: Blob) -> AsyncIterator[Entry]:
    """Older messages that a summary stands for, long results that were cut, and what the task's worker does not take."""
    for name, value in await _undeclared(view, task, blob):
        yield {"what": "not declared", "name": name, "value": value}
    for seq, scope, decision, value in view.decisions:
        if task_of(scope) != task.key:
            continue
        if decision == "compaction":
            yield {"what": "older messages", "step": seq, **await fetched(value, blob)}
        elif decision == "cut":
            for one in await fetched(value, blob):
                yield {"what": "the rest of a result", "step": seq, **one}


async def _undeclared(view: View, task: TaskView, blob: Blob) -> list[tuple[str, Any]]:
    """What the plan had for the task and its worker did not declare."""
    plan, given = await fetched(view.plans.get(task.parent), blob), await fetched(task.input, blob)
    planned = next((one for one in (plan or {}).get("tasks", ()) if one["id"] == task.label), None)
    if planned is None or not isinstance(given, dict):
        return []
    return [(name, value) for name, value in planned.get("inputs", {}).items() if name not in given]
