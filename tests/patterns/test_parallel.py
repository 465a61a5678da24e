"""One failed branch does not lose the others' work, and what is partial says so."""

import asyncio
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest

from stretto import (
    App,
    Done,
    Failed,
    RunFailed,
    WorkerFailed,
    each,
    gate,
    gather,
    parallel,
    pipeline,
    run,
    start,
    workflow,
)
from stretto.runtime.worker import Worker
from stretto.testing import simulate

CALLED: list[str] = []


@workflow
def good(what: str) -> str:
    return f"good {what}"


@workflow
def fine(what: str) -> str:
    return f"fine {what}"


@workflow
def broken(what: str) -> str:
    raise OSError("it broke")


@workflow
def wrong(what: str) -> int:
    return "three"  # type: ignore[return-value]


@workflow
def after(what: Any) -> Any:
    CALLED.append("after")
    return what


def decisions(run: Any) -> list[Any]:
    return [value for _, _, name, value in run.view.decisions if name == "partial"]


@pytest.mark.capability(99)
def test_enough_results_go_on_marked_partial() -> None:
    done = start(pipeline(parallel(good, broken, fine, min_success=2), after), "x", db=":memory:")
    assert done.output == ["good x", None, "fine x"]
    assert decisions(done) == [{"of": 3, "failed": ["broken failed: it broke"]}]


def test_whole_results_are_not_marked() -> None:
    done = start(parallel(good, fine, min_success=1), "x", db=":memory:")
    assert decisions(done) == []


def test_a_partial_result_stays_so_on_every_replay(tmp_path: Any) -> None:
    db = str(tmp_path / "runs.db")
    done = start(parallel(good, broken, min_success=1), "x", db=db, id="p")
    again = start(parallel(good, broken, min_success=1), "x", db=db, id="p")
    assert again.output == done.output == ["good x", None]
    assert decisions(again) == decisions(done) != []


async def test_too_few_results_fail_with_all_failures() -> None:
    CALLED.clear()
    async with App(db=":memory:") as app:
        job = await app.start(pipeline(parallel(broken, good, wrong, min_success=2), after), "x")
        with pytest.raises(WorkerFailed) as caught:
            await job
    assert "it broke" in str(caught.value)
    assert "wrong failed: wrong broke its contract" in str(caught.value)
    assert CALLED == []


@workflow
async def collects(what: str) -> list[str]:
    outcomes = await gather([good(what), broken(what), fine(what)], on_error="collect")
    assert [type(outcome) for outcome in outcomes] == [Done, Failed, Done]
    return [outcome.value if isinstance(outcome, Done) else str(outcome.error) for outcome in outcomes]


@pytest.mark.capability(210)
def test_a_batch_collects_what_came_of_each() -> None:
    assert start(collects, "x", db=":memory:").output == ["good x", "broken failed: it broke", "fine x"]


@pytest.mark.parametrize("worker", [wrong, broken, parallel(good, wrong), parallel(good, wrong, min_success=2)])
async def test_nothing_goes_on_with_a_wrong_result(worker: Any) -> None:
    CALLED.clear()
    async with App(db=":memory:") as app:
        job = await app.start(pipeline(worker, after), "x")
        with pytest.raises(RunFailed):
            await job
    assert CALLED == []


@workflow
async def a_second(what: str) -> str:
    await asyncio.sleep(1)
    return what


@pytest.mark.capability(29)
def test_independent_workers_are_at_work_at_once() -> None:
    with simulate() as sim:
        begun = sim.time()
        assert sim.run(parallel(a_second, a_second, a_second), "x") == ["x", "x", "x"]
        assert sim.time() - begun < 1.6


def takes(seconds: float) -> Any:
    @workflow(name=f"takes_{seconds}")
    async def work(what: str) -> float:
        await asyncio.sleep(seconds)
        return seconds

    return work


@pytest.mark.capability(34)
def test_the_merge_gets_results_in_task_order_however_they_finish() -> None:
    for seed in range(5):
        with simulate(seed) as sim:
            merged = parallel(takes(3), takes(2), takes(1), merge=lambda results: results)
            assert sim.run(merged, "x") == [3, 2, 1]
            ended = [row.event().output for row in sim.events if row.kind == "task_finished"]  # type: ignore[attr-defined]
            assert ended == [1, 2, 3, [3, 2, 1], [3, 2, 1]][: len(ended)]


@pytest.mark.capability(34)
def test_results_by_name_and_a_worker_that_merges() -> None:
    def join(parts: dict[str, str]) -> str:
        return " and ".join(f"{name}={part}" for name, part in parts.items())

    named = parallel(left=good, right=fine, merge=workflow(join))
    done = start(named, "x", db=":memory:")
    assert done.output == "left=good x and right=fine x"
    assert [(task.worker, task.label) for task in done.tasks][-1] == ("join", "merge")

    async def later(parts: list[str]) -> str:
        await asyncio.sleep(0)
        return "+".join(parts)

    assert start(parallel(good, fine, merge=later), "x", db=":memory:").output == "good x+fine x"


def test_a_function_of_several_parameters_takes_an_object_as_everywhere() -> None:
    def plus(left: int, right: int) -> int:
        return left + right

    assert start(parallel(plus, plus), {"left": 1, "right": 2}, db=":memory:").output == [3, 3]
    assert start(pipeline(plus), {"left": 1, "right": 2}, db=":memory:").output == 3


@dataclass
class Note:
    text: str


@workflow
def note(what: str) -> Note:
    return Note(what)


@workflow
def broken_note(what: str) -> Note:
    raise OSError("it broke")


def test_results_keep_their_types() -> None:
    assert start(parallel(note, good), "x", db=":memory:").output == [Note("x"), "good x"]
    assert start(parallel(one=note, two=good), "x", db=":memory:").output == {"one": Note("x"), "two": "good x"}
    assert start(parallel(note, broken_note, min_success=1), "x", db=":memory:").output == [Note("x"), None]


@pytest.mark.capability(43)
def test_no_more_than_the_limit_are_at_work_at_once() -> None:
    at_once = [0, 0]

    @workflow
    async def busy(what: str) -> str:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(1)
        at_once[0] -= 1
        return what

    with simulate() as sim:
        sim.run(parallel(*[busy] * 7, limit=3), "x")
    assert at_once == [0, 3]


FOUR = Barrier(4, timeout=60)


def meets(what: str) -> str:
    FOUR.wait()  # for the other three
    return what


@pytest.mark.capability(29, 40)
@pytest.mark.parametrize("worker", [parallel(*[meets] * 4), pipeline(lambda what: [what] * 4, each(meets))])
def test_plain_functions_that_block_are_at_work_at_once(worker: Worker[Any, Any]) -> None:
    assert run(worker, "x", db=":memory:") == ["x"] * 4


def test_a_no_is_not_worked_around_by_fewer_results() -> None:
    job = start(parallel(good, gate("Go on?"), min_success=1), "x", db=":memory:")
    job.reject(by="ann", reason="not this one")
    assert job.state == "failed"
    assert "not this one" in job.error
    job.resume()
    job.approve(by="ann")
    assert job.output == ["good x", "x"]


@pytest.mark.capability(34)
def test_a_merge_may_take_the_results_one_by_one() -> None:
    def up(what: str) -> str:
        return what.upper()

    def twice(what: str) -> str:
        return what * 2

    assert run(parallel(up, twice, merge=lambda a, b: f"{a} {b}"), "x", db=":memory:") == "X xx"
    named = parallel(up=up, twice=twice, merge=lambda twice, up, sep="-": f"{up}{sep}{twice}")
    assert run(named, "x", db=":memory:") == "X-xx"
    assert run(parallel(up, twice, merge=lambda found, sep="-": sep.join(found)), "x", db=":memory:") == "X-xx"
