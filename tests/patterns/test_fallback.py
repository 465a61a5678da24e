"""The next worker gets the input where the one before failed."""

import pytest

from stretto import App, PolicyDenied, UsageError, WorkerFailed, fallback, pipeline, start, tool, workflow

CALLED: list[str] = []


@workflow(retry=1)
def live(what: str) -> str:
    CALLED.append(f"live {what}")
    raise OSError("the price service is down")


@workflow
def cached(what: str) -> str:
    CALLED.append(f"cached {what}")
    if what == "new":
        raise LookupError("no price of new")
    return f"{what}: 3 EUR, from last week"


def nothing(what: str) -> str:
    raise ValueError("really nothing")


def loud(text: str) -> str:
    return text.upper()


prices = fallback(live, cached)


@pytest.mark.capability(97)
def test_the_next_worker_gets_the_input_of_the_one_that_failed() -> None:
    CALLED.clear()
    done = start(prices, "tea", db=":memory:")
    assert done.output == "tea: 3 EUR, from last week"
    assert CALLED == ["live tea", "live tea", "cached tea"]
    assert [(task.worker, task.state) for task in done.tasks] == [
        ("fallback", "done"),
        ("live", "failed"),
        ("live", "failed"),
        ("cached", "done"),
    ]


async def test_all_failures_are_in_the_error_of_the_last() -> None:
    async with App(db=":memory:") as app:
        job = await app.start(fallback(live, cached, nothing, name="prices"), "new")
        with pytest.raises(WorkerFailed) as caught:
            await job
        assert str(caught.value) == (
            "prices failed: really nothing; live failed after 2 attempts: the price service is down; "
            "cached failed: no price of new"
        )
        last = caught.value.failure.cause
        assert last is not None
        assert [(one.worker, one.kind, one.input) for one in last.beside] == [
            ("live", "OSError", "new"),
            ("cached", "LookupError", "new"),
        ]
        assert (await job.refresh()).error == str(caught.value), "the journal has it, too"


@tool(effect="idempotent", risk="high")
def order(what: str) -> str:
    return f"ordered {what}"


@workflow
async def orders(what: str) -> str:
    return await order(what)


async def test_a_persons_no_is_not_worked_around() -> None:
    async with App(db=":memory:") as app:
        job = await app.start(fallback(orders, cached), "tea")
        await app.settled(job.id)
        CALLED.clear()
        await (await job.refresh()).reject(by="eve", reason="too much tea")
        with pytest.raises(WorkerFailed, match="too much tea") as caught:
            await job
    assert caught.value.failure.root().kind == PolicyDenied.__name__
    assert CALLED == []


def test_a_fallback_stands_in_other_patterns() -> None:
    assert start(pipeline(prices, loud), "tea", db=":memory:").output == "TEA: 3 EUR, FROM LAST WEEK"


def test_a_fallback_without_workers_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one"):
        fallback()
