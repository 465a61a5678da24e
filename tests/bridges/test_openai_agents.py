"""Agents of the OpenAI Agents SDK as workers: their model calls and tools are steps, capped, gated and not repeated."""

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from agents import Agent as SdkAgent
from agents import ShellTool, function_tool
from agents.testing import assistant_message, function_call
from pydantic import BaseModel

import stretto.bridges
from stretto import Agent, ReplayMismatch, Rules, RunFailed, UsageError, WorkerFailed, pipeline, run, start
from stretto.bridges import openai_agents
from stretto.cli.main import invoke
from stretto.core.events import Asked
from stretto.core.values import Answer
from stretto.runtime import frontier, parking
from stretto.testing import FakeProvider, ScriptedModel, call, say, simulate
from tests.bridges.said import Said, nobody

paid: list[str] = []


@function_tool
async def pay(to: str) -> str:
    """Pay somebody."""
    paid.append(to)
    return f"paid {to}"


def shout(text: str) -> str:
    return text.upper()


def both(results: list[dict[str, Any]]) -> list[Any]:
    """Pays two at once, then says that it did."""
    if not results:
        return [function_call("pay", {"to": "ann"}, call_id="1"), function_call("pay", {"to": "bob"}, call_id="2")]
    return [assistant_message(" and ".join(sorted(result["output"] for result in results)))]


def payer(model: Said | None = None) -> SdkAgent[Any]:
    return SdkAgent(name="The payer", instructions="Pay.", model=model or Said(both), tools=[pay])


@pytest.fixture(autouse=True)
def _nobody_is_paid_yet() -> None:
    paid.clear()


@pytest.mark.capability(24)
def test_it_runs_as_a_worker_and_stands_in_the_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db = str(tmp_path / "runs.db")
    job = start(pipeline(openai_agents(payer()), shout), "pay them", db=db, id="r")
    assert job.output == "PAID ANN AND PAID BOB"
    assert paid == ["ann", "bob"]
    assert (job.cost.calls, job.cost.input, job.cost.output) == (2, 20, 10)
    names = [row.ident.split(" ")[:2] for row in job.events if row.kind == "step_done"]
    assert names == [["model", "Said"], ["tool", "pay"], ["tool", "pay"], ["model", "Said"]]
    for command, shown in (
        ("show", "to=ann"),
        ("graph", "The_payer"),
        ("timeline", "The_payer"),
        ("messages", "paid ann and paid bob"),
    ):
        assert invoke([command, "r", "--db", db]) == 0
        assert shown in capsys.readouterr().out


@pytest.mark.capability(24)
def test_a_crash_at_any_point_repeats_no_call() -> None:
    def truth(asked: Asked, _: str) -> Answer:
        to = asked.args["to"]  # type: ignore[index, call-overload]
        return Answer("done", f"paid {to}", by="eve") if to in paid else Answer("repeat", by="eve")

    def life(*crashes: int) -> tuple[int, int]:
        paid.clear()
        model = Said(both)
        with simulate(0, crash_at=set(crashes)) as sim:
            output = sim.run(openai_agents(payer(model)), "pay them", person=truth, model=nobody)
        assert (output, sorted(paid)) == ("paid ann and paid bob", ["ann", "bob"]), crashes
        return len(sim.sites), model.asked

    sites, asked = life()
    assert (sites > 40, asked) == (True, 2)
    for site in range(1, sites + 1):
        assert life(site)[1] <= 3, "only the call that was cut off is made again"


@pytest.mark.capability(24)
def test_a_model_by_name_is_asked_by_the_sdk_itself_and_counted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider([call("pay", to="ann"), say("done")]) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        agent = SdkAgent(name="a", instructions="Pay.", model="gpt-5-mini", tools=[pay])
        job = start(openai_agents(agent), "pay ann", db=":memory:", budget="$1")
        assert (job.output, paid) == ("done", ["ann"])
        assert (job.cost.input, job.cost.output) == (provider.billed.input, provider.billed.output)
        assert job.cost.usd > 0
        assert job.replay() == "done"
        assert len(provider.received) == 2


@pytest.mark.capability(24)
def test_its_model_calls_are_capped_as_they_happen() -> None:
    model = Said(both, "gpt-5-mini")
    job = start(openai_agents(payer(model)), "pay them", db=":memory:", budget="$0.0001")
    assert (job.state, job.approvals[0]["kind"], model.asked) == ("waiting", "budget", 0)
    job.approve(by="ann", edit="$1")
    assert job.state == "done"
    assert job.cost.usd > 0
    with pytest.raises(RunFailed, match="price of Said is not known"):
        run(openai_agents(payer()), "pay them", db=":memory:", budget="$1")


@pytest.mark.capability(24)
def test_its_tools_stand_behind_the_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "STANDSTILL", 0.05)
    job = start(openai_agents(payer()), "pay them", db=":memory:", policy=Rules(ask=("pay",)))
    assert [item["args"] for item in job.approvals] == [{"to": "ann"}, {"to": "bob"}]
    first, second = (item["id"] for item in job.approvals)
    job.approve(first, by="eve", edit={"to": "cleo"})
    job.reject(second, by="eve", reason="not today")
    assert job.output is not None
    assert "paid cleo" in job.output
    assert "not today" in job.output
    assert paid == ["cleo"]

    asks = function_tool(pay_alone, needs_approval=True)
    model = Said(
        lambda given: [assistant_message("ok")] if given else [function_call("pay_alone", {"to": "x"}, call_id="1")]
    )
    job = start(openai_agents(SdkAgent(name="a", model=model, tools=[asks])), "go", db=":memory:")
    assert (job.state, job.approvals[0]["risk"]) == ("waiting", "medium")


def pay_alone(to: str) -> str:
    """Pay."""
    return to


class Bill(BaseModel):
    """What is owed."""

    total: int


@pytest.mark.capability(24)
def test_it_hands_over_answers_with_types_and_nests() -> None:
    typed = SdkAgent(name="clerk", model=Said(lambda _: [assistant_message('{"total": 5}')]), output_type=Bill)
    assert run(openai_agents(typed), "how much?", db=":memory:") == Bill(total=5)

    desk = SdkAgent(
        name="desk",
        model=Said(lambda _: [function_call("transfer_to_the_payer", {}, call_id="h")]),
        handoffs=[payer(Said(_then))],
    )
    assert run(openai_agents(desk), "pay ann", db=":memory:") == "done by paid ann"
    assert paid == ["ann"]

    model = ScriptedModel([call("clerk", input="how much?"), say("5")])
    boss = Agent(model, name="boss", tools=[openai_agents(typed)])
    assert run(boss, "go", db=":memory:") == "5"


def _then(results: list[dict[str, Any]]) -> list[Any]:
    given = [result["output"] for result in results if result["output"].startswith("paid")]
    return [assistant_message(f"done by {given[0]}")] if given else [function_call("pay", {"to": "ann"}, call_id="p")]


@pytest.mark.capability(24)
def test_a_model_that_fails_or_takes_too_long_fails_the_task() -> None:
    class Down(Exception):
        status_code = 503

    tries: list[int] = []

    def down(_: list[dict[str, Any]]) -> list[Any]:
        tries.append(1)
        if len(tries) == 1:
            raise Down("busy")
        return [assistant_message("up again")]

    assert run(openai_agents(SdkAgent(name="a", model=Said(down))), "x", db=":memory:") == "up again"

    class Slow(Said):
        async def get_response(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(30)

    with pytest.raises(WorkerFailed, match=r"took longer than its limit of 0\.05 s"):
        run(openai_agents(SdkAgent(name="a", model=Slow(both)), timeout=0.05), "x", db=":memory:")


@pytest.mark.capability(24)
def test_an_agent_that_goes_another_way_is_stopped_before_it_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier, "CATCH_UP", 0.05)
    lives: list[int] = []

    def clock(context: Any, agent: Any) -> str:
        lives.append(1)
        return f"It is life {len(lives)}."  # as an agent that is told the time of day

    agent = SdkAgent(name="a", instructions=clock, model=Said(both), tools=[pay])
    with simulate(0, crash_at={30}) as sim, pytest.raises(ReplayMismatch, match="now wants model Said"):
        sim.run(openai_agents(agent), "x", model=nobody, person=lambda *_: Answer("repeat", by="eve"))
    assert len(paid) <= 2


@pytest.mark.capability(24)
def test_what_cannot_be_recorded_is_refused_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"is an agent \(as_tool\).*handoffs"):
        openai_agents(SdkAgent(name="a", tools=[payer().as_tool("ask_payer", "Pay.")]))
    with pytest.raises(UsageError, match="cannot be recorded; give it as a function_tool"):
        openai_agents(SdkAgent(name="a", tools=[ShellTool(executor=lambda _: "")]))
    with pytest.raises(UsageError, match="takes an Agent of the OpenAI Agents SDK, not str"):
        openai_agents("gpt-5")  # type: ignore[arg-type]
    monkeypatch.delitem(vars(stretto.bridges), "openai_agents")
    monkeypatch.delitem(sys.modules, "stretto.bridges.sdk")
    monkeypatch.setitem(sys.modules, "agents", None)
    with pytest.raises(UsageError, match=r"openai_agents needs agents.*pip install openai-agents"):
        importlib.import_module("stretto.bridges").openai_agents  # noqa: B018
