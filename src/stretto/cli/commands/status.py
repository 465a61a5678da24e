"""`stretto status ID`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from stretto.app.gaps import Gaps
from stretto.app.handle import Run
from stretto.app.host import App
from stretto.app.progress import percent, planned_tasks, progress, progress_by_task, refuse_pruned, spent_by_task
from stretto.cli import options
from stretto.cli.listing import listed, painted
from stretto.cli.options import Common
from stretto.cli.result import about, as_object, shown, standing, ways
from stretto.cli.session import reading
from stretto.cli.terminal import command as whole_command
from stretto.cli.terminal import in_line, pretty
from stretto.cli.tree import lines
from stretto.cli.words import MICRO, cost, duration, moment, spent
from stretto.core.values import Spend

_ROOM = 500
"""Lines of tasks that are shown."""


@click.command("status")
@click.argument("id")
@options.common
def command(common: Common, id: str) -> int:
    """Where run ID stands: its tasks, how far its plan is, what it waits for, what it cost."""

    async def work(app: App) -> int:
        run, row = await app.get(id), await app.store.find(id)
        assert row is not None
        refuse_pruned(run.events)
        return shown(common, {**_as_object(run), "held": row.held}, _told(run, app.db, *standing(row, app.db)))

    return reading(common, work)


def _as_object(run: Run) -> dict[str, Any]:
    view, spent, shares = run.view, spent_by_task(run.view), progress_by_task(run.view)
    tasks = [
        {"step": task.seq, "worker": task.worker, "label": task.label, "state": task.state, "attempt": task.attempt,
         "parent": view.tasks[task.parent].seq if task.parent in view.tasks else None, "begun": task.begun / MICRO,
         "ended": task.ended / MICRO if task.ended else None, "error": task.error,
         "cost": cost(spent.get(task.key, Spend())), "progress": _share(*shares[task.key]) if task.key in shares else None}
        for task in view.tasks.values()
    ]  # fmt: skip
    tasks += [
        {"step": None, "worker": planned.get("worker", ""), "label": planned["id"], "state": "planned",
         "parent": view.tasks[key].seq}
        for key in view.plans if key in view.tasks and not view.state.ended
        for planned in planned_tasks(view, key)
        if planned["id"] not in {task.label for task in view.children(key)}
    ]  # fmt: skip
    return {
        **as_object(run), "worker": view.worker, "begun": view.begun / MICRO, "updated": view.updated / MICRO,
        "progress": _share(*progress(view)), "tasks": tasks,
        "approvals": run.approvals,
    }  # fmt: skip


def _share(done: int, total: int) -> dict[str, int]:
    return {"done": done, "total": total, "percent": percent(done, total)}


def _told(run: Run, db: str, state: str, more: str) -> Iterator[str]:
    view, now, gaps = run.view, time.time_ns() // 1000, Gaps(run.events)
    until = view.updated if view.state.ended else now
    done, total = progress(view)
    yield f"{view.worker}  {run.id}  {painted(state, view.state.value)}{more}"
    if view.input is not None:
        yield f"  input    {in_line(pretty(view.input), 100)}"
    yield f"  begun    {moment(view.begun)}, worked {duration(gaps.busy(view.begun, until))}"
    yield f"  {'plan ' if planned_tasks(view) else 'tasks'}    {percent(done, total)}%, {done} of {total} done"
    if spent(view.spend):
        yield f"  cost     {spent(view.spend)}"
    yield ""
    yield from listed(lines(view, gaps, now, _ROOM, whole=True))
    for asked in () if view.state.ended else run.approvals:
        yield f"\n{about(asked)}"
        for meaning, words in ways(asked):
            yield f"  {meaning:<10} {whole_command(db, *words)}"
