"""A run that was awaited can be looked at, however its events are read and whenever that is."""

from pathlib import Path

import pytest

from stretto import App, tool, workflow


@tool
async def look(number: int) -> int:
    return number


@workflow
async def looks(count: int) -> int:
    return sum([await look(number) for number in range(count)])


@pytest.mark.parametrize("count", [3, 300])
@pytest.mark.parametrize("kept", [True, False], ids=["on disk", "in memory"])
@pytest.mark.parametrize("when", ["open", "closed"])
async def test_all_of_a_run_is_seen_once_it_was_awaited(count: int, kept: bool, when: str, tmp_path: Path) -> None:
    app = App(db=str(tmp_path / "runs.db") if kept else ":memory:")
    async with app:
        job = await app.start(looks, count)
        assert await job == sum(range(count))
        if when == "open":
            assert len(job.events) == count + 4
    assert len(job.events) == count + 4
    assert job.state == "done"
    assert job.output == sum(range(count))
    assert len(job.view.steps) == count
