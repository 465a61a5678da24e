"""A plan's tasks start the moment their own inputs are there, and wait for nothing else."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from stretto import Orchestrator, Plan, PlannedTask, workflow
from stretto.testing import simulate

NODES = 50
SLACK = 0.01
"""Seconds that starting a task may take."""


def random_plan(random: Random) -> Plan:
    """Tasks that take up to 9 s each and need up to three of those before them."""
    tasks = []
    for number in range(NODES):
        needed = random.sample(range(number), min(number, random.choice((0, 0, 1, 2, 3))))
        seconds = random.choice((0.5, 1, 2, 5, 9))
        tasks.append(
            PlannedTask(f"t{number}", f"t{number} {seconds}", "work", tuple(f"t{other}" for other in sorted(needed)))
        )
    return Plan(tuple(tasks))


def carried_out(plan: Plan, seed: int) -> dict[str, tuple[float, float]]:
    """When each task began and ended."""
    times: dict[str, tuple[float, float]] = {}

    @workflow
    async def work(given: Any) -> str:
        name, seconds = (given if isinstance(given, str) else given["goal"]).split()
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(float(seconds))
        times[name] = (begun, asyncio.get_running_loop().time())
        return str(name)

    boss = Orchestrator(planner=lambda brief: plan, workers=[work], integrator=lambda given: "done")
    with simulate(seed) as sim:
        assert sim.run(boss, "all") == "done"
    return times


@pytest.mark.capability(5, 30)
@pytest.mark.parametrize("seed", range(10))
def test_every_task_starts_when_its_parents_have_ended_and_not_later(seed: int) -> None:
    plan = random_plan(Random(seed))
    times = carried_out(plan, seed)
    assert len(times) == NODES
    first = min(begun for begun, _ in times.values())
    for task in plan.tasks:
        ready = max((times[name][1] for name in task.after), default=first)
        assert ready <= times[task.id][0] <= ready + SLACK, task
