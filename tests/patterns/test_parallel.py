"""One failed branch does not lose the others' work, and what is partial says so."""

from typing import Any

import pytest

from stretto import App, Done, Failed, RunFailed, WorkerFailed, gather, parallel, pipeline, start, workflow

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
