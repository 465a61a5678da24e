"""Where a run's time went: by models, tools, queues and waiting, and what waited for what."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from stretto import Agent, App, Orchestrator, Run, gather, pipeline, sleep, tool, workflow
from stretto.app.timeline import Lane, Timeline, timeline
from stretto.core.messages import ModelReply, ModelRequest, Rates, Usage, assistant
from stretto.models.pace import Limit
from stretto.orchestrator.plan import Brief, Plan, PlannedTask
from stretto.testing import ScriptedModel, call, say
from tests.models.virtual import in_virtual_time

NAP = 0.1


@tool
async def slow(query: str) -> str:
    """Take a while."""
    await asyncio.sleep(NAP)
    return query


@tool(risk="high", effect="once")
async def pay(amount: int) -> int:
    """Pay."""
    return amount


@workflow
async def working(text: str) -> str:
    return await slow(text)


@workflow
async def wide(count: int) -> list[str]:
    return await gather(working(str(number)) for number in range(count))


@workflow
async def narrow(count: int) -> list[str]:
    return await gather((working(str(number)) for number in range(count)), limit=1)


async def at_rest(app: App, worker: Any, value: Any) -> Run:
    run = await app.start(worker, value)
    await app.settled(run.id)
    return await run.refresh()


def told(run: Run) -> Timeline:
    return timeline(run.view, run.events, time.time_ns() // 1000)


async def timed(worker: Any, value: Any, **more: Any) -> Timeline:
    async with App(db=":memory:", **more) as app:
        return told(await at_rest(app, worker, value))


def lanes(line: Timeline, worker: str) -> list[Lane]:
    return [lane for lane in line.lanes if lane.worker == worker]


@pytest.mark.capability(113)
@in_virtual_time
async def test_the_gain_is_the_time_of_all_steps_against_the_clock() -> None:
    line = await timed(wide, 4)
    assert line.time.steps == pytest.approx(4 * NAP, rel=0.5)
    assert line.time.by_kind["tool"] == line.time.steps
    assert line.time.wall < 3 * NAP
    assert line.time.at_once > 2
    alone = await timed(narrow, 2)
    assert alone.time.at_once < 1.3


@pytest.mark.capability(114)
@in_virtual_time
async def test_models_tools_and_the_task_itself_are_told_apart() -> None:
    class Thinking:
        """Thinks a while, then calls a tool, then answers."""

        name, window, max_output = "test:thinking", 10_000, 100
        rates: Rates | None = Rates(Decimal(1), Decimal(1))

        async def reply(self, request: ModelRequest, watch: Any = None) -> ModelReply:
            await asyncio.sleep(NAP / 2)
            if len(request.messages) == 1:
                return ModelReply(call("slow", query="x").message, Usage(10, 5))
            return ModelReply(assistant("done"), Usage(30, 5))

        def estimate(self, request: ModelRequest) -> int:
            return 100

    line = await timed(Agent(Thinking(), "", name="thinker", tools=[slow]), "x")
    assert line.time.by_kind["model"] == pytest.approx(NAP, rel=0.5)
    assert line.time.by_kind["tool"] == pytest.approx(NAP, rel=0.5)
    (lane,) = line.lanes
    assert [one.kind for one in lane.stretches if one.kind != "queue"] == ["model", "tool", "model"]
    assert lane.own < NAP / 2
    assert lane.tokens == 50
    for before, after in zip(lane.stretches, lane.stretches[1:], strict=False):
        assert before.ended <= after.begun + 0.001


@pytest.mark.capability(114)
@in_virtual_time
async def test_a_branch_that_waits_for_its_turn_is_queued() -> None:
    line = await timed(narrow, 3)
    queued = [[one.took for one in lane.stretches if one.kind == "queue"] for lane in lanes(line, "working")]
    assert queued[0] == []
    assert queued[1] == [pytest.approx(NAP, rel=0.5)]
    assert queued[2] == [pytest.approx(2 * NAP, rel=0.5)]
    assert line.time.by_kind["queue"] == pytest.approx(3 * NAP, rel=0.5)


@in_virtual_time
async def test_a_call_that_waits_for_the_providers_pace_is_queued() -> None:
    agent = Agent(ScriptedModel(lambda _: say("x"), name="openai:gpt-5-mini"), "", name="talker")

    @workflow
    async def twice(text: str) -> str:
        await agent(text)
        return await agent(text + "!")

    async with App(db=":memory:", limits={"openai": Limit(requests=1, seconds=NAP)}) as app:
        line = told(await at_rest(app, twice, "x"))
    first, second = lanes(line, "talker")
    assert sum(one.took for one in first.stretches if one.kind == "queue") < NAP / 4
    assert [one.kind for one in second.stretches] == ["queue", "model"]
    assert second.stretches[0].took == pytest.approx(NAP, rel=0.5)


@pytest.mark.capability(114)
@in_virtual_time
async def test_waiting_for_people_and_timers_is_apart_and_is_no_work() -> None:
    @workflow
    async def patient(amount: int) -> int:
        await sleep(0.05)
        return await pay(amount)

    async with App([patient], db=":memory:") as app:
        run = await at_rest(app, patient, 3)
        while not run.approvals or run.approvals[0]["kind"] == "timer":
            await asyncio.sleep(0.02)
            await run.refresh()
        await asyncio.sleep(NAP)
        open_ = told(run)
        assert open_.lanes[0].stretches[-1].state == "waiting"
        await run.approve(by="ada")
        await app.ended(run.id)
        line = told(await run.refresh())
    assert line.time.by_kind["person"] >= NAP - 0.001
    assert line.time.by_kind["timer"] == pytest.approx(0.05, abs=0.001)
    assert line.time.busy < line.time.wall - NAP / 2
    assert line.idle
    assert line.lanes[0].own < line.time.busy + 0.01


@pytest.mark.capability(128)
@in_virtual_time
async def test_the_slowest_steps_and_the_largest_users_of_tokens_are_named() -> None:
    def brief(_: Any) -> Any:
        return say("short")

    def long(_: Any) -> Any:
        return say("words " * 200)

    small = Agent(ScriptedModel(brief), "", name="small")
    large = Agent(ScriptedModel(long), "", name="large")
    line = await timed(pipeline(small, working, large), "x")
    assert (line.slowest[0]["kind"], line.slowest[0]["name"], line.slowest[0]["worker"]) == ("tool", "slow", "working")
    assert [hog["worker"] for hog in line.hogs] == ["large", "small"]
    assert sum(hog["share"] for hog in line.hogs) == pytest.approx(1, abs=0.001)


@pytest.mark.capability(114)
@in_virtual_time
async def test_a_hand_over_is_from_the_last_thing_that_fed_a_task() -> None:
    @workflow
    def planner(brief: Brief) -> Plan:
        fast, late = PlannedTask("fast", "a", "quick"), PlannedTask("late", "b", "working")
        return Plan((fast, late, PlannedTask("both", "c", "quick", after=("fast", "late"))))

    @workflow
    def quick(text: str) -> str:
        return text

    line = await timed(Orchestrator(workers=[working, quick], planner=planner, name="boss"), "go")
    by_label = {lane.label: lane for lane in line.lanes}
    handover = by_label["both"].handover
    assert handover is not None
    assert handover.after == by_label["late"].step
    assert handover.seconds < NAP / 2
    assert {one["label"] for one in line.handovers} >= {"both"}


async def test_a_task_that_is_plain_computation_counts_as_work() -> None:
    @workflow
    def counting(text: str) -> int:
        begun = time.perf_counter()
        while time.perf_counter() - begun < 0.02:
            pass
        return len(text)

    line = await timed(counting, "x")
    assert line.time.steps == 0
    assert line.time.work >= 0.02
    assert line.slowest[0]["kind"] == "task"
