"""No more of a worker's tasks are at work at once than it allows, wherever in the run they are given to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stretto import Agent, UsageError, ask, each, gather, parallel, start, workflow
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, say, simulate
from tests.crash.scenarios import pay
from tests.crash.simulation import Scenario, check_every_crash, judge, play


def counting() -> tuple[list[int], Any]:
    at_once = [0, 0]

    @workflow(limit=2)
    async def busy(what: Any) -> Any:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(1)
        at_once[0] -= 1
        return what

    return at_once, busy


@pytest.mark.capability(43)
def test_a_workers_limit_holds_over_all_branches_of_a_run() -> None:
    at_once, busy = counting()
    with simulate() as sim:
        begun = sim.time()
        assert sim.run(parallel(each(busy), each(busy), busy), [1, 2, 3]) == [[1, 2, 3], [1, 2, 3], [1, 2, 3]]
        assert 4 <= sim.time() - begun < 4.5
    assert at_once == [0, 2]


@pytest.mark.capability(43)
def test_an_agents_limit_holds() -> None:
    at_once = [0, 0]

    async def think(request: ModelRequest) -> Answer:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0)
        at_once[0] -= 1
        return say("thought")

    agent = Agent(ScriptedModel(think), "Think.", limit=3)
    assert start(each(agent), list("abcdefgh"), db=":memory:").output == ["thought"] * 8
    assert at_once == [0, 3]


def test_a_task_inside_a_task_of_the_same_worker_does_not_wait_for_itself() -> None:
    @workflow(limit=1)
    async def count_down(number: int) -> int:
        return 0 if number == 0 else 1 + await count_down(number - 1)

    assert start(each(count_down), [3, 2], db=":memory:").output == [3, 2]


@workflow(limit=2)
async def pays(what: str) -> str:
    paid = await pay(what)
    return f"{paid} {await ask(f'and {what}?')}"


@workflow
async def payments() -> list[str]:
    return await gather(pays(what) for what in "abc")


@pytest.mark.capability(43, 102)
def test_turns_are_kept_through_waits_and_crashes() -> None:
    scenario = Scenario(payments)
    assert check_every_crash(scenario) >= 40
    plain = play(scenario)
    for seed in range(1, 8):
        judge(play(scenario, [seed * 3], seed=seed, eager=True), plain, scenario)


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="limit=0"):
        workflow(limit=0)
