"""`check_in`: a person sees the progress from time to time, and says whether it goes on."""

import pytest

from stretto import App, Rules, Run, UsageError, check_in, gather, run, sleep, tool, workflow
from stretto.core.canonical import encode
from stretto.core.events import Asked
from stretto.core.ports import Letter
from stretto.core.values import Answer, Settings
from stretto.journal.memory import MemoryStore
from stretto.runtime import engine
from stretto.runtime.outcome import Finished, Surroundings, Waiting
from stretto.runtime.view import View
from stretto.testing import ScriptedModel
from tests.crash.simulation import Scenario, World, play
from tests.runtime.conftest import Begin

NOWHERE = World()


@tool
async def look(what: str, *, world: World = NOWHERE) -> str:
    await world.happen("look", what, key="")
    return what


@workflow
async def touring(stops: int) -> int:
    for stop in range(stops):
        await check_in(every="3 steps", to="guide")
        await look(str(stop))
    return stops


@workflow
async def nested(stops: int) -> int:
    return sum(await gather(touring(stops), touring(stops)))


@workflow
async def hourly(stops: int) -> int:
    for stop in range(stops):
        await check_in(every="1 hour", expires="2 h")
        await look(str(stop))
    return stops


@pytest.mark.capability(50)
async def test_a_person_sees_the_progress_every_few_steps(begin: Begin, world: World) -> None:
    job: Run = await begin(touring, 5)
    (asked,) = job.approvals
    assert (asked["kind"], asked["to"], len(world.effects)) == ("review", "guide", 3)
    assert asked["prompt"].startswith("Go on? 3 steps and 0 tasks done, $0 and 0 tokens spent; 3 steps in the last ")
    assert asked["content"].keys() == {"steps", "tasks", "new_steps", "seconds", "usd", "tokens"}
    await job.approve(by="ada")
    assert (await job, len(world.effects)) == (5, 5)


@pytest.mark.capability(50)
async def test_tasks_that_only_compute_count_as_well_as_steps(begin: Begin) -> None:
    done: list[int] = []

    @workflow
    def compute(number: int) -> None:
        done.append(number)

    @workflow
    async def computing(numbers: int) -> int:
        for number in range(numbers):
            await check_in(every="5 steps or 30 min")
            await compute(number)
        return numbers

    job: Run = await begin(computing, 12)
    for seen in (5, 10):
        (asked,) = job.approvals
        assert (asked["content"]["tasks"], asked["content"]["steps"], len(done)) == (seen, 0, seen)
        await job.approve(by="ada")
        await job.refresh()
    assert await job == 12


async def test_a_no_stops_the_run_with_the_reason(begin: Begin, world: World) -> None:
    job = await begin(touring, 5)
    await job.reject(by="ada", reason="too slow")
    with pytest.raises(Exception, match="stopped at a check-in by ada: too slow"):
        await job
    assert len(world.effects) == 3


async def test_a_run_that_was_stopped_asks_again_when_it_is_resumed(begin: Begin, app: App, world: World) -> None:
    job = await begin(touring, 5)
    await job.reject(by="ada", reason="too slow")
    await app.ended(job.id)
    await job.resume()
    await app.settled(job.id)
    await job.refresh()
    assert (job.state, len(job.approvals), len(world.effects)) == ("waiting", 1, 3)
    await job.approve(by="ada")
    assert await job == 5


async def test_there_is_nothing_to_edit(begin: Begin, app: App) -> None:
    job = await begin(touring, 5)
    with pytest.raises(UsageError, match="there is nothing to edit"):
        await job.approve(by="ada", edit={"steps": 0})
    assert [row.kind for row in job.events].count("declined") == 1
    assert job.state == "waiting"


async def test_each_check_in_counts_from_the_one_before_however_often_the_run_is_taken_up(db: str) -> None:
    world, asked = World(), []
    async with App([touring], db=db, deps=world) as app:
        await app.start(touring, 10, id="r")
        await app.settled("r")
    for _ in range(3):
        async with App([touring], db=db, deps=world) as app:
            job = await app.get("r")
            asked.append(job.approvals[0]["content"]["steps"])
            await job.approve(by="ada")
            await app.settled("r")
            await job.refresh()
    assert (asked, job.state, len(world.effects)) == ([3, 6, 9], "done", 10)
    async with App([touring], db=db, deps=world) as app:
        assert await (await app.get("r")).replay() == 10


@pytest.fixture
def db(tmp_path: object) -> str:
    return f"{tmp_path}/runs.db"


async def test_tasks_check_in_for_themselves(begin: Begin) -> None:
    job = await begin(nested, 4)
    assert len(job.approvals) == 2


@workflow
async def drives(stages: int) -> int:
    for _ in range(stages):
        await check_in(every="30 min")
        await sleep(minutes=20)
    return stages


@pytest.mark.capability(50)
def test_a_check_in_comes_when_its_time_has_passed() -> None:
    """Due at minute 40, and again 40 minutes after the answer: at every second stage."""

    def late(asked: Asked, _: bool) -> Answer | None:
        return Answer("approve", by="ada") if asked.ask == "review" else None

    session = play(Scenario(drives, 5, person=late), seed=3)
    reviews = [row for row in session.rows if row.kind == "asked" and row.ident.startswith("review")]
    assert (session.output, len(reviews)) == (5, 2)


class Hands:
    """A clock that somebody moves; microseconds since 1970."""

    at = 1_800_000_000_000_000

    def now(self) -> int:
        return self.at

    def move(self, minutes: float) -> None:
        self.at += int(minutes * 60_000_000)


NOBODY = Hands()


@tool
async def leg(number: int, *, hands: Hands = NOBODY) -> int:
    hands.move(minutes=20)
    return number


@workflow
async def journey(legs: int) -> int:
    for number in range(legs):
        await check_in(every="30 min")
        await leg(number)
    return legs


async def test_the_time_that_a_person_took_to_answer_does_not_count() -> None:
    hands, store = Hands(), MemoryStore()
    around = Surroundings(store, hands, Rules(), lambda name: ScriptedModel([]), {Hands: hands})
    begun = await engine.begin(around, journey, 4, id="r", settings=Settings(), code="")
    assert begun is not None
    assert await begun.execution.drive(journey, 4) == Waiting()
    (wait,) = View(await store.read("r")).open_waits
    hands.move(minutes=24 * 60)
    answer = {"wait": wait.asked.wait, "answer": Answer("approve", by="ada")}
    await store.post(Letter("r", "answer", encode(answer)))
    resumed = await engine.take_up(around, "r", journey)
    assert resumed is not None
    assert await resumed.execution.drive(journey, 4) == Finished(4)


def test_a_crash_anywhere_asks_nobody_twice() -> None:
    scenario = Scenario(touring, 4, person=lambda asked, _: Answer("approve", by="ada"))
    for site in range(len(play(scenario).sites)):
        rows = play(scenario, [site]).rows
        assert sum(row.kind == "asked" for row in rows) == 1, site


async def test_a_time_that_has_not_passed_asks_nobody(begin: Begin, world: World) -> None:
    job = await begin(hourly, 4)
    assert (job.state, len(world.effects)) == ("done", 4)


@pytest.mark.parametrize("every", ["0 steps", "now and then", "5", ""])
def test_what_is_no_interval_is_refused(every: str) -> None:
    @workflow
    async def wrong(text: str) -> None:
        await check_in(every=every)

    with pytest.raises(Exception, match=r"is not understood|all the time"):
        run(wrong, "x", db=":memory:")


async def test_it_works_inside_a_run_only() -> None:
    with pytest.raises(UsageError, match="inside a run"):
        await check_in(every="5 steps")


@workflow
async def either(legs: int) -> int:
    for number in range(legs):
        await check_in(every="3 steps or 30 min")
        await leg(number)
    return legs


@pytest.mark.capability(50)
async def test_a_check_in_may_come_after_steps_or_time_whichever_is_first() -> None:
    store, hands = MemoryStore(), Hands()
    around = Surroundings(store, hands, Rules(), lambda name: ScriptedModel([]), {Hands: hands})
    begun = await engine.begin(around, either, 4, id="r", settings=Settings(), code="")
    assert begun is not None
    assert await begun.execution.drive(either, 4) == Waiting()
    (wait,) = View(await store.read("r")).open_waits
    assert "2 steps in the last 2400.0 s" in wait.asked.prompt


async def test_a_number_without_a_unit_is_not_guessed() -> None:
    @workflow
    async def numbers() -> None:
        await check_in(every=5)  # type: ignore[arg-type]

    with pytest.raises(Exception, match="has no unit; write it like '5 steps or 30 min'"):
        await numbers()
