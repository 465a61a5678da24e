"""A provider that is down is left alone; calls wait for the one that finds out whether it is back."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from stretto import Agent, App, RunFailed, WorkerFailed
from stretto.core.messages import ModelRequest, Rates
from stretto.models.breaker import FAILURES, LONGEST_REST, PATIENCE
from stretto.models.script import Answer, Fail
from stretto.testing import ScriptedModel, fail, say
from tests.models.virtual import time, virtually


class Provider:
    """Down until `back`; it takes a second to say so."""

    def __init__(self, back: float, *, name: str = "frail:one", status: Any = 500, latency: float = 1.0) -> None:
        self.times: list[float] = []
        self.back, self.status = back, status
        self.model = ScriptedModel(self._answer, name=name, latency=latency)

    def _answer(self, request: ModelRequest) -> Answer | Fail:
        self.times.append(time())
        return say("done") if time() >= self.back else fail(self.status)


def ask_all(agents: list[Agent], apart: float = 0.0) -> list[Any]:
    """All agents at once in an app, or so many seconds apart."""

    async def all_of_them() -> list[Any]:
        async with App(db=":memory:") as app:
            jobs = []
            for agent in agents:
                jobs.append(await app.start(agent, "question"))
                await asyncio.sleep(apart)
            return await asyncio.gather(*jobs, return_exceptions=True)

    return virtually(all_of_them())


@pytest.mark.capability(101)
def test_queued_calls_wait_for_the_trial_instead_of_hammering() -> None:
    provider = Provider(back=20)
    results = ask_all([Agent(provider.model, name="asks", retry=9)] * 40, apart=0.1)
    assert results == ["done"] * 40
    down = [at for at in provider.times if at < 20]
    before = [at for at in down if at <= 2]
    assert len(before) <= 20, "those that were on their way when it failed for the fifth time"
    assert [round(b - a) for a, b in zip(down[len(before) :], down[len(before) + 1 :], strict=False)] == [3, 5, 9]


def test_it_closes_on_success() -> None:
    provider = Provider(back=20, latency=0)
    ask_all([Agent(provider.model, name="asks", retry=9)] * 8, apart=6)
    assert [at for at in provider.times if at >= 30] == [30, 36, 42], "all that come then are there at once"


def test_what_stays_down_too_long_fails_with_a_clear_error_and_is_not_paid() -> None:
    provider = Provider(back=float("inf"))
    provider.model.rates = Rates(Decimal(1_000), Decimal(1_000))
    asks = Agent(provider.model, name="asks", retry=1)

    async def down() -> tuple[list[Any], float, Decimal]:
        async with App(db=":memory:") as app:
            jobs = [await app.start(asks, "question") for _ in range(8)]
            results = await asyncio.gather(*jobs, return_exceptions=True)
            costs = [(await job.refresh()).cost.usd for job in jobs]
        return results, time(), sum(costs, Decimal())

    results, took, cost = virtually(down())
    assert cost == 0
    assert all(isinstance(error, WorkerFailed) for error in results)
    waited = [error for error in results if "was not asked" in str(error)]
    assert waited
    assert "frail was not asked: its last" in str(waited[0])
    assert "calls failed, the latest with 'frail:one failed with 500" in str(waited[0])
    assert waited[0].failure.root().kind == "ModelError"
    assert took <= PATIENCE + LONGEST_REST + 10


def test_another_model_that_stands_by_answers_at_once() -> None:
    provider, other = Provider(back=float("inf"), latency=0), ScriptedModel(["done"] * 9, name="calm:one")
    ruin = Agent(provider.model, name="ruin", retry=FAILURES - 1)
    both = Agent([provider.model, other], name="both")

    async def asks() -> tuple[str, float, list[Any]]:
        async with App(db=":memory:") as app:
            with pytest.raises(RunFailed):
                await (await app.start(ruin, "x"))
            began = time()
            job = await app.start(both, "question")
            said = await job
            steps = [row.event() for row in (await job.refresh()).events if row.kind.startswith("step")]
            return said, time() - began, steps

    said, took, steps = virtually(asks())
    assert (said, took) == ("done", 0)
    assert [(step.name, step.kind) for step in steps] == [("frail:one", "step_failed"), ("calm:one", "step_done")]
    assert "it is tried again in 1 s" in steps[0].error
    assert len(provider.times) == FAILURES


@pytest.mark.parametrize("steps", [[400], [401], [500, 400], [500, 200]])
def test_a_provider_that_says_what_is_wrong_is_there(steps: list[int]) -> None:
    times: list[float] = []

    def answer(request: ModelRequest) -> Answer | Fail:
        times.append(time())
        status = steps[(len(times) - 1) % len(steps)]
        return say("done") if status == 200 else fail(status)

    ask_all([Agent(ScriptedModel(answer, name="frail:one"), name="asks")] * 12, apart=0.9)
    assert len(times) == 12 * len(steps)
    assert all(at - 0.9 * number <= 0.5 for number, at in enumerate(times[len(steps) - 1 :: len(steps)]))


def test_time_outs_count_as_failures() -> None:
    model = ScriptedModel(lambda request: say("late"), name="frail:slow", latency=1_000)
    errors = ask_all([Agent(model, name="asks", settings={"timeout": 3})] * 2)
    assert all("frail:slow gave no answer within 3 seconds" in str(error) for error in errors)
    assert len(model.requests) == 6


def test_a_cancelled_trial_lets_another_call_try() -> None:
    provider = Provider(back=10, latency=0)

    async def asks() -> str:
        async with App(db=":memory:") as app:
            ruin = await app.start(Agent(provider.model, name="ruin", retry=FAILURES - 1), "x")
            with pytest.raises(RunFailed):
                await ruin
            await asyncio.sleep(20)
            provider.model.latency = 1_000
            trial = await app.start(Agent(provider.model, name="trial"), "x")
            await asyncio.sleep(1)
            provider.model.latency = 0
            waits = await app.start(Agent(provider.model, name="waits"), "x")
            await asyncio.sleep(1)
            assert len(provider.times) == FAILURES + 1
            await trial.cancel()
            return str(await waits)

    assert virtually(asks()) == "done"
