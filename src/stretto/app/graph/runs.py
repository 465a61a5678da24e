"""A run as it stands: its tasks with state, time and cost, who gave work to whom, and what the plan says needs what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stretto.app.gaps import SECOND, Gaps
from stretto.app.graph.data import Canvas, Graph
from stretto.app.progress import NOTHING, planned_tasks, spent_by_task
from stretto.runtime.view import TaskView, View, WaitView

_MANY = 12
"""Finished tasks of one worker and one parent that are still drawn one by one."""
_SHORT = 40


def of_run(view: View, gaps: Gaps, now: int) -> Graph:
    """A run's tasks as of `now` (microseconds), dashed where the plan says that one needs the other."""
    return _Run(view, gaps, now).drawn()


class _Run:
    def __init__(self, view: View, gaps: Gaps, now: int) -> None:
        self._view, self._gaps, self._now = view, gaps, view.updated if view.state.ended else now
        self._canvas = Canvas(f"{view.worker} {view.id} ({view.state.value})")
        self._spent = spent_by_task(view)
        self._nodes: dict[str, str] = {}
        self._labels: dict[tuple[str, str], str] = {}
        """The nodes of planned tasks, by orchestrator's task and id."""

    def drawn(self) -> Graph:
        for tasks in self._alike():
            node = self._several(tasks) if len(tasks) > _MANY else None
            for task in tasks:
                self._nodes[task.key] = node or self._task(task)
                if task.label:
                    self._labels[task.parent, task.label] = self._nodes[task.key]
        for task in self._view.tasks.values():
            self._plan(task)
        needy = set(self._needs())
        for task in self._view.tasks.values():
            if task.parent in self._nodes and self._nodes[task.key] not in needy:
                self._canvas.edge(self._nodes[task.parent], self._nodes[task.key])
        for wait in self._view.open_waits:
            self._wait(wait)
        return self._canvas.graph()

    # ---- tasks

    def _alike(self) -> Iterator[list[TaskView]]:
        """Tasks one by one, but the finished ones of the same worker and parent together."""
        groups: dict[tuple[str, ...], list[TaskView]] = {}
        parents = {task.parent for task in self._view.tasks.values()}
        for task in self._view.tasks.values():
            alike = (task.parent, task.worker) if task.state == "done" and task.key not in parents else (task.key,)
            groups.setdefault(alike, []).append(task)
        for tasks in groups.values():
            yield from [tasks] if len(tasks) > _MANY else [[task] for task in tasks]

    def _task(self, task: TaskView) -> str:
        spend = self._spent.get(task.key, NOTHING)
        took = self._gaps.busy(task.begun, task.ended or self._now) / SECOND
        tries = (f"attempt {task.attempt}",) if task.attempt > 1 else ()
        error = (task.error[:_SHORT],) if task.state == "failed" and task.error else ()
        said = _said(task)
        return self._canvas.node(
            "task", task.worker, (*((said,) if said else ()), *tries, *error), state=self._state(task), seconds=took,
            tokens=spend.input + spend.output, usd=_usd(spend.usd),
        )  # fmt: skip

    def _several(self, tasks: Sequence[TaskView]) -> str:
        spend = sum((self._spent.get(task.key, NOTHING) for task in tasks), NOTHING)
        took = max(task.ended for task in tasks) - min(task.begun for task in tasks)
        return self._canvas.node(
            "task", f"{tasks[0].worker} × {len(tasks)}", state="done", seconds=took / SECOND,
            tokens=spend.input + spend.output, usd=_usd(spend.usd),
        )  # fmt: skip

    def _state(self, task: TaskView) -> str:
        return "left" if self._view.state.ended and not task.ended else task.state

    # ---- the plan

    def _plan(self, task: TaskView) -> None:
        """The tasks of its plan that have not begun."""
        for planned in planned_tasks(self._view, task.key):
            if (task.key, planned["id"]) not in self._labels:
                state = "left" if self._view.state.ended else "planned"
                node = self._canvas.node("task", planned.get("worker", ""), (planned["id"][:_SHORT],), state=state)
                self._labels[task.key, planned["id"]] = node
                if not planned.get("after"):
                    self._canvas.edge(self._nodes[task.key], node)

    def _needs(self) -> Iterator[str]:
        """Draw what needs what; the tasks that need something."""
        for task in self._view.tasks.values():
            for planned in planned_tasks(self._view, task.key):
                node = self._labels[task.key, planned["id"]]
                for needed in planned.get("after", ()):
                    if (before := self._labels.get((task.key, needed))) is not None and before != node:
                        self._canvas.edge(before, node, kind="needs")
                        yield node

    def _wait(self, wait: WaitView) -> None:
        """An open question, beside the task that asks it."""
        asked = wait.asked
        what = f"{asked.tool}?" if asked.tool else asked.prompt
        to = (f"asks {asked.to}",) if asked.to else ()
        state = "doubt" if asked.ask == "doubt" else "waiting"
        node = self._canvas.node("question", what, (asked.ask, *to), state=state)
        if wait.task in self._nodes:
            self._canvas.edge(self._nodes[wait.task], node, kind="needs")


def _usd(amount: Any) -> str:
    return f"{amount:.4f}" if amount else ""


def _said(task: TaskView) -> str:
    """What tells a task from others of the same worker: its label, else the beginning of its input."""
    value = task.input
    if isinstance(value, dict):
        value = next((item for item in value.values() if isinstance(item, str)), "")
    said = task.label or (str(value) if isinstance(value, str | int | float) else "")
    flat = " ".join(said.split())
    return flat if len(flat) <= _SHORT else f"{flat[: _SHORT - 1]}…"
