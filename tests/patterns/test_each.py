"""One task for every item of a list that is known only when the run gets there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stretto import App, Done, Failed, RunFailed, UsageError, each, gather, pipeline, route, start, workflow
from stretto.testing import simulate


@dataclass
class Page:
    url: str
    words: int


def links(site: str) -> list[str]:
    return [f"{site}/{number}" for number in range(int(site))]


@workflow
async def read(url: str) -> Page:
    await asyncio.sleep(0.02 if url.endswith("0") else 0)
    if url.endswith("7"):
        raise OSError(f"{url} is gone")
    return Page(url, len(url))


def count(pages: list[Page]) -> int:
    return sum(page.words for page in pages)


@pytest.mark.capability(40)
@pytest.mark.parametrize(("site", "branches"), [("4", 4), ("1", 1), ("0", 0)])
def test_there_are_as_many_branches_as_items(site: str, branches: int) -> None:
    done = start(pipeline(links, each(read)), site, db=":memory:")
    assert done.output == [Page(f"{site}/{number}", 3) for number in range(branches)]
    assert [task.label for task in done.tasks if task.worker == "read"] == [f"item {n + 1}" for n in range(branches)]


def test_results_are_in_order_and_typed_for_whoever_comes_next() -> None:
    assert start(pipeline(links, each(read), count), "3", db=":memory:").output == 9


@pytest.mark.capability(40, 43)
@pytest.mark.parametrize(("limit", "seconds"), [(None, 10), (2, 30), (1, 60)])
def test_so_many_are_at_work_at_once(limit: int | None, seconds: int) -> None:
    at_once: list[int] = [0, 0]

    @workflow
    async def ten_seconds(number: int) -> int:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(10)
        at_once[0] -= 1
        return number

    with simulate(0) as sim:
        begun = sim.time()
        assert sim.run(each(ten_seconds, limit=limit), [1, 2, 3, 4, 5, 6]) == [1, 2, 3, 4, 5, 6]
        assert seconds <= sim.time() - begun < seconds + 1
    assert at_once[1] == (limit or 6)


async def test_the_first_failure_ends_it() -> None:
    async with App(db=":memory:") as app:
        with pytest.raises(RunFailed, match="8/7 is gone"):
            await (await app.start(pipeline(links, each(read)), "8"))


def test_what_came_of_each_can_be_collected() -> None:
    done = start(pipeline(links, each(read, on_error="collect")), "8", db=":memory:")
    assert done.output[:7] == [Done(Page(f"8/{number}", 3)) for number in range(7)]
    failed = done.output[7]
    assert isinstance(failed, Failed)
    assert str(failed.error) == "read failed: 8/7 is gone"


def test_what_was_collected_may_go_anywhere() -> None:
    @workflow
    async def by_hand(urls: list[str]) -> Any:
        return await gather((read(url) for url in urls), on_error="collect")

    said = {"ok": False, "error": "read failed: 7 is gone"}
    assert start(by_hand, ["1", "7"], db=":memory:").output == [{"ok": True, "value": {"url": "1", "words": 1}}, said]
    either = route(lambda urls: "a", {"a": each(read, on_error="collect"), "b": lambda urls: "none"})
    assert start(either, ["7"], db=":memory:").output == [said]


def test_each_nests_in_each() -> None:
    assert start(each(each(lambda number: number * 2)), [[1, 2], [], [3]], db=":memory:").output == [[2, 4], [], [6]]


async def test_what_is_no_list_is_refused() -> None:
    async with App(db=":memory:") as app:
        with pytest.raises(UsageError, match="its input does not fit"):
            await app.start(each(read), "not a list")
    with pytest.raises(UsageError, match="limit=0"):
        each(read, limit=0)
    with pytest.raises(UsageError, match="on_error='ignore'"):
        each(read, on_error="ignore")  # type: ignore[arg-type]


@workflow
async def half(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


@workflow
async def a_list(numbers: list[int]) -> list[Done[int] | Failed]:
    return await gather((half(number) for number in numbers), on_error="collect")


@workflow
async def by_number(numbers: list[int]) -> dict[str, Done[int] | Failed]:
    outcomes = await gather((half(number) for number in numbers), on_error="collect")
    return {str(number): outcome for number, outcome in zip(numbers, outcomes, strict=True)}


@workflow
async def bare(numbers: list[int]) -> list:  # type: ignore[type-arg]
    return await gather((half(number) for number in numbers), on_error="collect")


@pytest.mark.capability(210)
def test_a_workflow_may_give_outcomes_as_its_output(tmp_path: Path) -> None:
    for _ in range(2):  # the second time it is read from the journal
        good, bad = start(a_list, [4, 5], id="a", db=str(tmp_path / "runs.db")).output
        assert (good, str(bad.error)) == (Done(2), "half failed: 5 is odd")
        assert isinstance(start(by_number, [4, 5], id="b", db=str(tmp_path / "runs.db")).output["5"], Failed)
        plain = start(bare, [4, 5], id="c", db=str(tmp_path / "runs.db")).output
        assert plain == [{"ok": True, "value": 2}, {"ok": False, "error": "half failed: 5 is odd"}]
