"""`stats`: what many runs come to, and who approves without looking."""

from decimal import Decimal
from typing import Any

import pytest

from stretto import Agent, App, Run, gather, tool, workflow
from stretto.app import stats as module
from stretto.app.stats import stats
from stretto.core.messages import Rates
from stretto.testing import ScriptedModel, say


@tool(risk="high", effect="once")
def pay(amount: int) -> int:
    return amount


@tool(risk="medium", effect="once")
def post(text: str) -> str:
    return text


@workflow
async def paying(amounts: list[int]) -> int:
    return sum(await gather(pay(amount) for amount in amounts))


@workflow
async def posting(text: str) -> str:
    return await post(text)


@workflow
async def inner(text: str) -> str:
    raise KeyError(text)


@workflow
async def outer(text: str) -> str:
    return await inner(text)


@workflow
async def plain(text: str) -> str:
    return text


async def ran(app: App, worker: Any, value: Any) -> Run:
    job = await app.start(worker, value)
    await app.settled(job.id)
    return await job.refresh()


@pytest.fixture
def app(db: str) -> App:
    return App([paying, posting, outer, plain], db=db)


@pytest.mark.capability(130)
async def test_runs_are_counted_by_state_and_failures_by_where_they_came_from(app: App) -> None:
    async with app:
        for _ in range(2):
            failed = await ran(app, outer, "x")
        await ran(app, plain, "x")
        await ran(app, posting, "x")
        found = await stats(app.store)
        assert (found["runs"], found["states"]) == (4, {"failed": 2, "done": 1, "waiting": 1})
        assert found["failures"] == [{"worker": "inner", "error": "KeyError", "runs": 2, "last": failed.id}]


@pytest.mark.capability(63)
async def test_interventions_are_counted_per_run_and_tool_and_rules_are_none(app: App) -> None:
    async with app:
        job = await ran(app, paying, [1, 2])
        await job.approve_all("pay", where="amount < 2", by="ada")
        await app.settled(job.id)
        await job.approve("pay", by="ada", edit={"amount": 3})
        await job
        await (await ran(app, posting, "x")).reject(by="bob", reason="no")
        await ran(app, plain, "x")
        people = (await stats(app.store))["interventions"]
    assert {name: people[name] for name in ("total", "per_run", "runs_without", "by_rule")} == {
        "total": 2, "per_run": 0.67, "runs_without": 1, "by_rule": 1,
    }  # fmt: skip
    by_tool = {one["tool"]: one for one in people["by_tool"]}
    assert (by_tool["pay"]["answered"], by_tool["pay"]["edited"], by_tool["pay"]["rejected"]) == (1, 1, 0)
    assert (by_tool["post"]["answered"], by_tool["post"]["edited"], by_tool["post"]["rejected"]) == (1, 0, 1)


@pytest.mark.capability(207)
async def test_approvals_in_haste_and_unseen_are_named_by_person_and_tool(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app:
        await (await ran(app, posting, "a")).approve(by="ada", shown=60)
        await (await ran(app, posting, "b")).approve(by="ada", shown=1.5)
        await (await ran(app, posting, "c")).approve(by="ada", shown=0)
        await (await ran(app, posting, "d")).approve(by="bob", shown=30)
        await (await ran(app, posting, "e")).reject(by="eve", reason="no")
        unknown = await ran(app, paying, [1])
        await unknown.approve(by="cyd")
        await app.ended(unknown.id)
        found = (await stats(app.store))["rubber_stamps"]
        assert found == [
            {"by": "ada", "tool": "post", "approvals": 3, "hasty": 1, "unseen": 1},
            {"by": "cyd", "tool": "pay", "approvals": 1, "hasty": 1, "unseen": 0},
        ]
        monkeypatch.setattr(module, "HASTY", 0.0)
        assert [one["by"] for one in (await stats(app.store))["rubber_stamps"]] == []


async def test_cost_and_time_have_percentiles(db: str) -> None:
    rates = Rates(input=Decimal(1), output=Decimal(1))
    agent = Agent(ScriptedModel(lambda _: say("x"), rates=rates), "Say x.", name="talker")
    async with App([agent], db=db) as app:
        jobs = [await ran(app, agent, "x") for _ in range(3)]
        found = await stats(app.store)
        assert found["cost"]["max"] == float(max(job.cost.usd for job in jobs)) > 0
        assert found["cost"]["total"] == pytest.approx(float(sum(job.cost.usd for job in jobs)))
        assert 0 < found["time"]["p50"] <= found["time"]["p90"] <= found["time"]["max"] < 10


async def test_only_the_newest_or_the_latest_runs_count(app: App) -> None:
    async with app:
        for _ in range(3):
            job = await ran(app, plain, "x")
        last = await app.store.find(job.id)
        assert last is not None
        assert (await stats(app.store, last=2))["runs"] == 2
        assert (await stats(app.store, since=last.created))["runs"] == 1
        empty = await stats(app.store, since=last.created + 1)
        assert (empty["runs"], empty["cost"]["p99"], empty["interventions"]["per_run"]) == (0, 0.0, 0.0)


@pytest.mark.capability(130)
async def test_what_failed_on_the_way_is_counted_in_runs_that_were_done_too(db: str) -> None:
    @tool(retry=1)
    async def flaky(word: str) -> str:
        tried.append(word)
        if len(tried) % 2:
            raise ConnectionError("no line")
        return word

    @workflow
    async def patient(word: str) -> str:
        return await flaky(word)

    tried: list[str] = []
    async with App([patient, outer], db=db) as app:
        assert [(await ran(app, patient, word)).state for word in ("a", "b")] == ["done", "done"]
        await ran(app, outer, "x")
        found = await stats(app.store)
    assert found["errors"][0] == {
        "worker": "patient", "where": "tool flaky", "error": "ConnectionError", "times": 2, "runs": 2,
    }  # fmt: skip
    assert [one["worker"] for one in found["failures"]] == ["inner"]
