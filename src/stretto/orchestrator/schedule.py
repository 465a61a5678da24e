"""Carrying out a plan: each task starts the moment its own inputs are there, and waits for nothing else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stretto.core.errors import WorkerFailed
from stretto.core.scope import current
from stretto.core.values import at_once
from stretto.orchestrator.plan import Plan, PlannedTask
from stretto.runtime.branches import gather
from stretto.runtime.scope import Scope

Perform = Callable[[PlannedTask, dict[str, Any]], Awaitable[Any]]


@dataclass(slots=True)
class Progress:
    """What came of a plan so far, in the plan's order: results by task, and the errors of the tasks that failed."""

    results: dict[str, Any]
    errors: dict[str, WorkerFailed]


async def carry_out(
    scope: Scope, plan: Plan, finished: Mapping[str, Any], perform: Perform, limit: int | None = None
) -> Progress:
    """Run a plan's tasks; a failed one keeps back only those that need it."""
    loop = asyncio.get_running_loop()
    ready: dict[str, asyncio.Future[None]] = {task.id: loop.create_future() for task in plan.tasks}
    progress = Progress(dict(finished), {})
    slots = _Slots(scope, at_once(limit) or len(plan.tasks))

    async def one(task: PlannedTask) -> None:
        if task.id not in progress.results:
            for name in task.after:
                if not ready[name].done():
                    await scope.run.parking.until(asyncio.shield(ready[name]))
            if all(name in progress.results for name in task.after):
                await slots.take()
                try:
                    await _one(task, perform, progress)
                finally:
                    slots.free()
        ready[task.id].set_result(None)

    await gather(one(task) for task in plan.order())
    return Progress(_in_order(plan, progress.results), _in_order(plan, progress.errors))


async def _one(task: PlannedTask, perform: Perform, progress: Progress) -> None:
    try:
        progress.results[task.id] = await perform(task, {name: progress.results[name] for name in task.after})
    except WorkerFailed as error:
        progress.errors[task.id] = error


def _in_order(plan: Plan, found: Mapping[str, Any]) -> dict[str, Any]:
    """In the plan's order, not that of time: a replay hears of everything in another order."""
    return {task.id: found[task.id] for task in plan.tasks if task.id in found}


class _Slots:
    """So many tasks at a time, in the order in which they come. What had begun before a crash has its slot already."""

    def __init__(self, scope: Scope, limit: int) -> None:
        self._run, self._left = scope.run, limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a slot."""
        here: Scope = current.get()
        if self._left > 0 or here.key in self._run.recording.unclaimed:
            self._left -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await self._run.parking.until(turn)

    def free(self) -> None:
        """Give the slot to the next task in line."""
        self._left += 1
        while self._waiting and self._left > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                self._left -= 1
                turn.set_result(None)
