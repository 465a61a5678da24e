"""An App in a program of one's own, and several processes' view of one database."""

import asyncio
import contextlib
from decimal import Decimal
from pathlib import Path

import pytest

from stretto import Agent, App, JournalError, RunWaiting, UsageError, ask, run, sleep, tool, workflow
from stretto.core import faults
from stretto.core.messages import Rates
from stretto.testing import ScriptedModel, call, say


@workflow
async def greets(name: str) -> str:
    return f"{await ask(f'how shall I greet {name}?')} {name}"


@workflow
async def dozes() -> str:
    await sleep(3)
    return "awake"


async def test_a_run_goes_on_when_another_program_answers(tmp_path: Path) -> None:
    db = str(tmp_path / "runs.db")
    async with App([greets], db=db) as here, App([greets], db=db) as there:
        job = await here.start(greets, "Eve", id="g")
        await here.settled("g")
        other = await there.get("g")
        await other.answer(None, "Ahoy", by="adam")
        async with asyncio.timeout(10):
            assert await job == "Ahoy Eve"
            assert await other == "Ahoy Eve"


async def test_a_parked_run_wakes_when_its_time_has_come() -> None:
    async with App(db=":memory:") as app:
        job = await app.start(dozes)
        await app.settled(job.id)
        assert (await job.refresh()).state == "waiting"
        async with asyncio.timeout(10):
            assert await job == "awake"


async def test_a_thousand_runs_are_started_at_once() -> None:
    @workflow
    async def doubles(number: int) -> int:
        return 2 * number

    async with App(db=":memory:") as app:
        jobs = [await app.start(doubles, number) for number in range(1_000)]
        assert [await job for job in jobs] == [2 * number for number in range(1_000)]


async def test_run_inside_a_loop_says_what_to_use() -> None:
    with pytest.raises(UsageError, match="App"):
        run(greets, "Eve", db=":memory:")


def test_a_waiting_run_says_what_it_waits_for(tmp_path: Path) -> None:
    with pytest.raises(RunWaiting, match="waits for question") as caught:
        run(greets, "Eve", id="g", db=str(tmp_path / "runs.db"))
    assert [item["prompt"] for item in caught.value.approvals] == ["how shall I greet Eve?"]
    assert caught.value.run == "g"


async def test_an_unknown_run_is_named() -> None:
    async with App(db=":memory:") as app:
        with pytest.raises(UsageError, match="no run 'nobody'"):
            await app.get("nobody")


async def test_an_app_that_is_not_open_says_so() -> None:
    with pytest.raises(UsageError, match="async with"):
        await App(db="runs.db").start(greets, "Eve")


async def _greeted(app: App) -> None:
    job = await app.start(greets, "Eve", id="e")
    await app.settled("e")
    await job.answer(None, "Ahoy", by="adam")
    await app.settled("e")


@pytest.mark.parametrize("site", ["record.before", "approval.before", "park.before", "acquire.after"])
async def test_an_error_of_the_store_is_loud_and_loses_nothing(tmp_path: Path, site: str) -> None:
    db, faulty = str(tmp_path / "runs.db"), [site]

    def plan(name: str) -> None:
        if faulty and name == faulty[0] and faulty.pop():
            raise JournalError(f"fault injected at {name}")

    faults.lay(plan)
    try:
        async with App([greets], db=db) as app:
            with pytest.raises((JournalError, UsageError)):
                await _greeted(app)
    finally:
        faults.lay(None)
    assert not faulty
    async with App([greets], db=db) as app:
        job = await app.start(greets, "Eve", id="e")
        await app.settled("e")
        with contextlib.suppress(UsageError):  # it was answered already
            await job.answer(None, "Ahoy", by="adam")
        async with asyncio.timeout(10):
            assert await job == "Ahoy Eve"


@workflow
async def slow_steps(count: int) -> list[str]:
    return [await slow_step(number) for number in range(count)]


@workflow
async def slow_step(number: int) -> str:
    await asyncio.sleep(0.1)
    return f"step {number}"


@pytest.mark.capability(204)
async def test_an_app_goes_on_with_its_workers_interrupted_runs_when_it_is_opened(tmp_path: Path) -> None:
    db = str(tmp_path / "runs.db")
    async with App([slow_steps], db=db) as app:
        job = await app.start(slow_steps, 4, id="s")
        await asyncio.sleep(0.25)
    assert job.state == "running"
    async with App(db=db) as visitor:  # who only looks goes on with nothing
        row = await visitor.store.find("s")
        assert row is not None
        assert (row.state, row.held) == ("running", False)
        await asyncio.sleep(0.1)
        assert not visitor.drives("s")
    async with App([slow_steps], db=db) as app, asyncio.timeout(10):
        assert await (await app.get("s")) == [f"step {number}" for number in range(4)]


async def test_of_workers_with_one_name_each_run_goes_on_with_its_own() -> None:
    @tool(risk="high")
    async def send(what: str) -> str:
        return what

    def asks(word: str) -> Agent[str]:
        return Agent(ScriptedModel([call("send", what=word), say(word)]), "You send.", tools=[send])

    async with App(db=":memory:") as app:
        jobs = [await app.start(asks(word), "x") for word in ("one", "two")]
        for job in jobs:
            await app.settled(job.id)
            await job.approve(by="ann")
        assert [await job for job in jobs] == ["one", "two"]


@pytest.mark.capability(105)
async def test_a_cancelled_run_gives_back_what_was_reserved_for_the_call_that_it_cut_off() -> None:
    async with App(db=":memory:") as app:
        model = ScriptedModel([say("never")], latency=600, rates=Rates(Decimal(1), Decimal(1)))
        job = await app.start(Agent(model, "You wait.", name="waits"), "x", budget="$1")
        async with asyncio.timeout(60):
            while not job.cost.usd:  # noqa: ASYNC110  what is reserved tells nobody
                await asyncio.sleep(0.01)
        await job.cancel(by="ann")
        assert job.state == "cancelled"
        assert job.cost.usd == 0
