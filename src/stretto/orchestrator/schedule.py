"""Carrying out a plan: each task starts the moment its own inputs are there, and waits for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stretto.core.errors import WorkerFailed
from stretto.orchestrator.plan import Plan, PlannedTask, Problem
from stretto.runtime.branches import gather
from stretto.runtime.scope import Scope

Perform = Callable[[PlannedTask, dict[str, Any]], Awaitable[Any]]


@dataclass(slots=True)
class Progress:
    """What came of a plan so far: results by task, and the tasks that failed."""

    results: dict[str, Any]
    problems: list[Problem]


async def carry_out(
    scope: Scope, plan: Plan, finished: Mapping[str, Any], perform: Perform, limit: int | None = None
) -> Progress:
    """Run a plan's tasks; a failed one keeps back only those that need it."""
    loop = asyncio.get_running_loop()
    ready: dict[str, asyncio.Future[None]] = {task.id: loop.create_future() for task in plan.tasks}
    progress = Progress(dict(finished), [])
    slots = asyncio.Semaphore(limit or len(plan.tasks))

    async def one(task: PlannedTask) -> None:
        if task.id not in progress.results:
            for name in task.after:
                await scope.run.parking.until(asyncio.shield(ready[name]))
            if all(name in progress.results for name in task.after):
                await scope.run.parking.until(slots.acquire())
                try:
                    await _one(task, perform, progress)
                finally:
                    slots.release()
        ready[task.id].set_result(None)

    await gather(one(task) for task in plan.order())
    progress.results = {task.id: progress.results[task.id] for task in plan.tasks if task.id in progress.results}
    return progress


async def _one(task: PlannedTask, perform: Perform, progress: Progress) -> None:
    try:
        progress.results[task.id] = await perform(task, {name: progress.results[name] for name in task.after})
    except WorkerFailed as error:
        failure = error.failure.root()
        progress.problems.append(
            Problem(task.id, failure.worker, failure.error, error.failure.input, error.failure.attempts)
        )
