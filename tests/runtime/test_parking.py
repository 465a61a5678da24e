"""A run that waits is a row on disk; a run that is cancelled ends within a second."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stretto import App, Rules, RunCancelled, ask, gather, run, sleep, tool, workflow
from stretto.core.ports import Letter
from stretto.core.values import Answer, Settings
from stretto.runtime import engine
from stretto.runtime.outcome import Surroundings
from stretto.testing.machine import SimulatedClock
from stretto.testing.simulated_store import Disk, SimulatedStore
from stretto.testing.virtual_loop import VirtualLoop
from tests.crash.scenarios import OUTSIDE, look, model, pay
from tests.crash.simulation import RUN, Scenario, World, letter, play
from tests.models.virtual import in_virtual_time, time
from tests.runtime.conftest import Begin


@workflow
async def asks_twice() -> list[str]:
    return await gather(ask("first?"), ask("second?"))


async def test_a_run_of_which_all_waits_is_parked_and_held_by_nobody(begin: Begin, app: App) -> None:
    job = await begin(asks_twice)
    row = await app.store.find(job.id)
    assert row is not None
    assert (job.state, row.held) == ("waiting", False)
    assert job.events[-1].kind == "run_parked"


async def test_half_an_answer_parks_again(begin: Begin, app: App) -> None:
    job = await begin(asks_twice)
    await job.answer(job.approvals[1]["id"], "two", by="eve")
    await app.settled(job.id)
    await job.refresh()
    assert [item["prompt"] for item in job.approvals] == ["first?"]
    await job.answer(None, "one", by="eve")
    assert await job == ["one", "two"]


@workflow
async def waits_for_a_plain_task() -> list[str]:
    return list(await asyncio.gather(ask("first?"), slowly()))


async def slowly() -> str:
    for _ in range(3):
        await asyncio.sleep(0.7)
        await look("x")
    return "slow"


def test_a_run_parks_although_its_code_awaits_what_stretto_does_not_know() -> None:
    session = play(Scenario(waits_for_a_plain_task))
    assert session.output == ["about first?", "slow"]
    assert session.kinds["run_parked"] >= 1


@workflow
async def asks_late() -> list[str]:
    return [await ask("first?"), await ask("second?")]


async def test_an_early_letter_waits_for_its_question(begin: Begin, app: App) -> None:
    late = await begin(asks_late, id="a")
    await late.answer(None, "one", by="eve")
    await app.settled("a")
    await late.refresh()
    second = late.approvals[0]["id"]
    other = await begin(asks_late, id="b")
    # the id of a question depends on its run and place alone, so the second question's is known from a twin
    assert second not in (other.approvals[0]["id"], None)
    await app.store.post(Letter("b", f"answer {second}", letter(second, Answer("answer", "early", by="eve")).body))
    await app.store.post(Letter("b", "answer nobody", letter("nobody", Answer("answer", "?", by="eve")).body))
    await other.answer(None, "one", by="eve")
    await app.settled("b")
    await other.refresh()
    assert [item["prompt"] for item in other.approvals] == ["second?"]
    await other.answer(None, "two", by="eve")
    assert await other == ["one", "two"]


@workflow
async def sleeps(seconds: float) -> str:
    await sleep(seconds)
    return "awake"


async def test_a_short_timer_keeps_the_run_loaded(begin: Begin) -> None:
    job = await begin(sleeps, 0.05)
    assert (job.output, [row.kind for row in job.events].count("run_parked")) == ("awake", 0)


@pytest.mark.capability(205)
def test_a_long_timer_is_a_row_that_says_when_to_wake() -> None:
    session = play(Scenario(sleeps, 86_400.0))
    parked = next(row.event() for row in session.rows if row.kind == "run_parked")
    assert parked.wake is not None  # type: ignore[attr-defined]
    assert session.output == "awake"


@tool(effect="once")
async def lasts(what: str, *, world: World = OUTSIDE, idempotency_key: str = "") -> str:
    await world.happen("lasts", what, key=idempotency_key)
    await asyncio.sleep(60)
    return "did"


@workflow
async def undoes(what: str) -> str:
    await pay(what)
    try:
        return await lasts(what)
    except asyncio.CancelledError:
        await look("undoing")
        raise


@workflow
async def stubborn(what: str) -> str:
    for _ in range(3):  # for good, it would outlive the loop
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    return what


async def _begun(world: World) -> None:
    while ("lasts", "x") not in world.effects:  # noqa: ASYNC110  the effect can tell nobody but the world
        await asyncio.sleep(0)


@pytest.mark.capability(105)
@pytest.mark.parametrize("worker", [undoes, stubborn, asks_late], ids=lambda worker: worker.name)
@in_virtual_time
async def test_a_run_is_cancelled_within_a_second(world: World, worker: Any) -> None:
    async with App(db=":memory:", deps=world) as app:
        job = await app.start(worker, *([] if worker is asks_late else ["x"]))
        if worker is undoes:
            await _begun(world)
        begun = time()
        await job.cancel(by="eve", reason="no longer needed")
        assert time() - begun < 2.5  # stubborn code is given its grace, and once more to be torn down
        assert job.state == "cancelled"
        with pytest.raises(RunCancelled):
            await job
    assert [row.kind for row in job.events].count("run_cancelled") == 1
    assert job.events[-1].kind == "run_cancelled"


@pytest.mark.capability(105)
async def test_a_cancelled_once_step_is_not_lost(app: App, world: World) -> None:
    job = await app.start(undoes, "x")
    await _begun(world)
    await job.cancel(by="eve")
    intended = [row.event().name for row in job.events if row.kind == "step_intended"]  # type: ignore[attr-defined]
    assert intended == ["pay", "lasts"]
    assert [step.name for step in job.view.steps.values()].count("look") == 1, "the code could not undo"


async def test_a_parked_run_can_be_cancelled(begin: Begin) -> None:
    job = await begin(asks_late)
    await job.cancel(by="eve")
    assert job.state == "cancelled"


async def test_an_app_that_closes_leaves_its_runs_to_others(tmp_path: Path, world: World) -> None:
    db = str(tmp_path / "runs.db")
    async with App([asks_late], db=db, deps=world) as app:
        job = await app.start(asks_late, id="c")
        await asyncio.sleep(0)
    async with App([asks_late], db=db, deps=world) as app:
        job = await app.get("c")
        await job.resume()
        await app.settled("c")
        assert (await job.refresh()).state == "waiting"


@workflow
async def cleans_up() -> str:
    try:
        return await ask("first?")
    finally:
        await pay("cleaning")


def test_finally_blocks_of_a_parked_run_do_nothing() -> None:
    session = play(Scenario(cleans_up))
    assert session.kinds["run_parked"] == 1
    assert session.world.effects == [("pay", "cleaning")]


def test_run_in_a_program_without_a_loop(tmp_path: Path) -> None:
    assert run(sleeps, 0.01, db=str(tmp_path / "runs.db")) == "awake"


@workflow
async def brief() -> str:
    return await pay("x")


def test_a_run_that_is_cancelled_as_it_ends_ends_once() -> None:
    async def contest(world: World, after: float) -> list[str]:
        disk, loop = Disk(), asyncio.get_running_loop()
        around = Surroundings(
            SimulatedStore(disk, world), SimulatedClock(world, loop), Rules(), model(world), {World: world}
        )
        loaded = await engine.begin(around, brief, None, id=RUN, settings=Settings(), code="")
        assert loaded is not None
        loop.call_later(after, loaded.execution.cancel, "eve", "")
        await loaded.execution.drive(brief, loaded.value)
        return [row.kind for row in await disk.read(RUN)]

    ends = set()
    for step in range(800):
        loop = VirtualLoop()
        kinds = loop.run_until_complete(contest(World(1 + step % 8), step / 50_000))
        loop.close()
        terminal = [kind for kind in kinds if kind in ("run_finished", "run_cancelled", "run_failed")]
        assert terminal == [kinds[-1]]
        ends.add(terminal[0])
    assert ends == {"run_finished", "run_cancelled"}
