"""What a run is told is what counts: who said it is on record, it fits, and nobody changed it since."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stretto import ReplayMismatch, UsageError, parallel, receive, run, start, tool, workflow

paid: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_paid() -> None:
    paid.clear()


@tool(risk="high", effect="once")
def pay(to: str) -> str:
    paid.append(to)
    return f"paid {to}"


@workflow
async def settle(to: str) -> str:
    return await pay(to)


@pytest.mark.capability(56)
@pytest.mark.parametrize("by", ["", "  ", None, 5])
def test_nobody_approves_nothing(by: Any) -> None:
    job = start(settle, "ann", db=":memory:")
    for answer in (job.approve, job.reject):
        with pytest.raises(UsageError, match="names nobody"):
            answer(by=by)
    with pytest.raises(UsageError, match="names nobody"):
        job.approve_all("pay", by=by)
    assert (job.state, paid) == ("waiting", [])


@pytest.mark.capability(205)
def test_a_signal_that_does_not_fit_is_refused_where_it_is_sent() -> None:
    @workflow
    async def signing() -> int:
        return await receive("signed", int)

    job = start(signing, db=":memory:")
    with pytest.raises(UsageError, match="was not taken: the answer does not fit"):
        job.send("signed", "no number")
    job.send("later", "kept until it is waited for")
    job.send("signed", 3)
    assert job.output == 3


@pytest.mark.parametrize("budget", [5, 0.5, Decimal("0.01")])
def test_a_budget_without_a_unit_is_refused_at_once(budget: Any) -> None:
    with pytest.raises(UsageError, match="has no unit"):
        start(settle, "ann", db=":memory:", budget=budget)


def test_an_id_is_text_and_tools_may_be_named_as_on_the_command_line() -> None:
    with pytest.raises(UsageError, match="the id 5 is no text"):
        start(settle, "ann", id=5, db=":memory:")  # type: ignore[arg-type]
    assert run(settle, "ann", db=":memory:", approve="pay, other") == "paid ann"


def test_without_an_input_a_function_has_its_default() -> None:
    @workflow
    async def number(given: int = 3) -> int:
        return given

    @workflow
    async def maybe(given: int | None = 3) -> int | None:
        return given

    assert (run(number, db=":memory:"), run(number, 4, db=":memory:")) == (3, 4)
    assert run(maybe, None, db=":memory:") is None


@pytest.mark.capability(99)
def test_why_says_that_a_result_is_partial() -> None:
    def fails(topic: str) -> str:
        raise ValueError("no luck")

    def works(topic: str) -> str:
        return topic

    job = start(parallel(works, fails, works, min_success=2), "tea", db=":memory:")
    assert job.output == ["tea", None, "tea"]
    (partial,) = job.why()["partial"]
    assert (partial["of"], partial["failed"]) == (3, ["fails failed: no luck"])


@pytest.mark.capability(195)
def test_the_step_that_no_longer_fits_is_named_by_its_number(tmp_path: Path) -> None:
    version = 1

    @workflow
    async def changing(to: str) -> str:
        return await pay(to if version == 1 else f"{to} & co")

    job = start(changing, "ann", db=str(tmp_path / "runs.db"))
    version = 2
    with pytest.raises(
        ReplayMismatch, match=r"wants tool pay\(.*& co.*but the journal has ask tool pay \(step 2\) there"
    ):
        job.approve(by="ada")
    assert paid == []
