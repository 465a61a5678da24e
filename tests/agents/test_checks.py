"""What checks an agent's input and answer: the reason goes back to the model, and every verdict is in the journal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, App, PolicyDenied, Score, UsageError, WorkerFailed, at_least, fallback, tool, workflow
from stretto.core.events import Decided, TaskStarted
from stretto.testing import ScriptedModel, call, say


@dataclass
class Offer:
    price: int
    words: str = ""


async def ran(worker: Any, value: Any = "x", **around: Any) -> tuple[Any, list[Any]]:
    """The output, and the verdicts in the journal."""
    async with App(db=":memory:", **around) as app:
        job = await app.start(worker, value)
        output = await job
        return output, verdicts(await job.refresh())


def verdicts(job: Any) -> list[tuple[str, bool, str]]:
    events = [row.event() for row in job.events]
    decided = [event for event in events if isinstance(event, Decided)]
    found: list[Any] = [event.value for event in decided if event.name in ("accept", "guard")]
    return [(value["by"], value["ok"], value["reason"]) for value in found]


def cheap(offer: Offer) -> str | None:
    return None if offer.price <= 10 else f"{offer.price} is more than 10"


@pytest.mark.capability(209, 25)
async def test_an_answer_that_is_not_accepted_goes_back_with_the_reason() -> None:
    model = ScriptedModel([say({"price": 99}), say({"price": 9})])
    output, judged = await ran(Agent(model, name="sells", output=Offer, accept=cheap))
    assert output == Offer(9)
    assert "not accepted: 99 is more than 10" in model.requests[1].messages[-1].text
    assert judged == [("cheap", False, "99 is more than 10"), ("cheap", True, "")]


@pytest.mark.capability(209, 25)
async def test_after_the_last_repair_the_task_breaks_its_contract_and_names_the_worker() -> None:
    model = ScriptedModel([say({"price": 99})] * 5)
    with pytest.raises(WorkerFailed, match="sells broke its contract: its answer was not accepted: 99 is more than 10"):
        await ran(Agent(model, name="sells", output=Offer, accept=cheap, repair=2))
    assert len(model.requests) == 3


def no(_: str) -> bool:
    """It names a source."""
    return False


def raises(_: str) -> None:
    raise ValueError("it cannot be parsed")


def bare(_: str) -> dict[str, Any]:
    return {"ok": False, "feedback": "more colour"}


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (no, "it does not pass the check no: It names a source."),
        (raises, "it cannot be parsed"),
        (bare, "more colour"),
        (lambda text: bool(text) and "too long", "too long"),
        (at_least(0.8, lambda text: Score(0.4, "dull")), "it scored 0.4, and 0.8 is needed: dull"),
        (at_least(2, len), "it scored 1, and 2 is needed"),
    ],
    ids=["false", "raises", "mapping", "text", "score", "number"],
)
async def test_a_check_says_no_in_many_ways(check: Any, reason: str) -> None:
    with pytest.raises(WorkerFailed) as caught:
        await ran(Agent(ScriptedModel(["a", "a"]), name="writes", accept=check))
    assert str(caught.value).endswith(f"writes broke its contract: its answer was not accepted: {reason}")


@pytest.mark.parametrize(
    "check",
    [lambda text: None, lambda text: True, lambda text: "", at_least(1, len), bool],
    ids=["none", "true", "no text", "score", "builtin"],
)
async def test_a_check_says_yes_in_many_ways(check: Any) -> None:
    output, judged = await ran(Agent(ScriptedModel(["a"]), accept=[check, check]))
    assert output == "a"
    assert [ok for _, ok, _ in judged] == [True, True]


@pytest.mark.parametrize(
    ("check", "remedy"),
    [
        (lambda text: 3, "gives True or None to accept"),
        (lambda text: Score(0.4), "at_least"),
        (at_least(0.8, lambda text: "fine"), "is no score"),
        ("polite", "is no check"),
        (lambda text: workflow(no)(text), "make it `async def`, or give the worker itself"),
        (Agent(None, name="judge"), "judge answers with text"),
    ],
    ids=["number", "score", "text", "no function", "call", "talker"],
)
async def test_what_is_no_verdict_is_the_users_to_mend(check: Any, remedy: str) -> None:
    with pytest.raises((WorkerFailed, UsageError), match=remedy):
        await ran(Agent(ScriptedModel(["a"]), accept=check))


@dataclass
class Opinion:
    ok: bool
    reason: str = ""


@pytest.mark.capability(7, 209)
async def test_another_agent_judges_the_answer_as_a_task_of_its_own() -> None:
    judge = Agent(
        ScriptedModel([say({"ok": False, "reason": "dull"}), say({"ok": True})]), name="judge", output=Opinion
    )
    model = ScriptedModel(["draft", "better"])
    async with App(db=":memory:") as app:
        job = await app.start(Agent(model, name="writes", accept=judge), "x")
        assert await job == "better"
        events = [row.event() for row in (await job.refresh()).events]
    tasks = [(event.worker, event.input) for event in events if isinstance(event, TaskStarted)]
    assert tasks == [("writes", "x"), ("judge", "draft"), ("judge", "better")]
    assert "not accepted: dull" in model.requests[1].messages[-1].text


@pytest.mark.capability(10)
async def test_a_judges_score_has_to_be_high_enough() -> None:
    judge = Agent(ScriptedModel([say({"value": 0.4}), say({"value": 0.9})]), name="judge", output=Score)
    output, judged = await ran(Agent(ScriptedModel(["draft", "better"]), accept=at_least(0.8, judge)))
    assert output == "better"
    assert [ok for _, ok, _ in judged] == [False, True]


class Stock:
    left = 3


async def test_a_check_may_be_asynchronous_call_tools_and_want_dependencies() -> None:
    @tool
    async def look_up(price: int, *, stock: Stock) -> int:
        return stock.left * price

    async def affordable(offer: Offer, *, stock: Stock) -> str | None:
        worth = await look_up(offer.price)  # type: ignore[call-arg]
        return None if worth <= 30 else f"{stock.left} of them cost {worth}"

    model = ScriptedModel([say({"price": 99}), say({"price": 9})])
    output, judged = await ran(Agent(model, output=Offer, accept=affordable), deps=Stock())
    assert output == Offer(9)
    assert judged[0] == ("affordable", False, "3 of them cost 297")


CALLS: list[str] = []


def impatient(_: str) -> str | None:
    CALLS.append("checked")
    return "again" if len(CALLS) == 1 else None


async def test_a_verdict_is_read_back_when_a_run_is_resumed(tmp_path: Path) -> None:
    """The check would say something else the second time: what it said the first time counts."""
    CALLS.clear()

    @tool(risk="high")
    async def send() -> str:
        return "sent"

    model = ScriptedModel(["one", call("send"), "two"])
    agent = Agent(model, name="writes", tools=[send], accept=impatient)
    db = str(tmp_path / "runs.db")
    async with App(db=db) as app:
        job = await app.start(agent, "x", id="r")
        await app.settled("r")
    assert CALLS == ["checked"]
    async with App([agent], db=db) as app:
        job = await app.get("r")
        await job.approve(by="ann")
        assert await job == "two"
        assert [ok for _, ok, _ in verdicts(await job.refresh())] == [False, True]
    assert CALLS == ["checked", "checked"]


# ---- guards


def lawful(text: str) -> str | None:
    return "we give no legal advice" if "sue" in text else None


@pytest.mark.capability(209)
async def test_a_guard_refuses_before_any_model_is_asked() -> None:
    model = ScriptedModel(["never"])
    async with App(db=":memory:") as app:
        job = await app.start(Agent(model, name="helps", guards=[lawful]), "May I sue?")
        with pytest.raises(WorkerFailed) as caught:
            await job
        assert verdicts(await job.refresh()) == [("lawful", False, "we give no legal advice")]
    assert caught.value.failure.kind == PolicyDenied.__name__
    assert "helps may not be asked this: we give no legal advice" in str(caught.value)
    assert model.requests == []


@pytest.mark.capability(209, 136)
async def test_a_refusal_is_the_answer_where_one_is_declared() -> None:
    model = ScriptedModel(["It rains."])
    agent = Agent(model, guards=lawful, refusal="Ask a lawyer.")
    assert await ran(agent, "May I sue?") == ("Ask a lawyer.", [("lawful", False, "we give no legal advice")])
    assert await ran(agent, "Will it rain?") == ("It rains.", [("lawful", True, "")])


async def test_a_guard_may_be_an_agent() -> None:
    guard = Agent(ScriptedModel([say(False)]), "Is this about the weather?", name="scope", output=bool)
    model = ScriptedModel(["never"])
    with pytest.raises(WorkerFailed, match="does not pass the check scope"):
        await ran(Agent(model, guards=[guard]), "Sing!")
    assert model.requests == []


async def test_what_a_guard_refuses_is_not_tried_in_another_way() -> None:
    model = ScriptedModel(["never"])
    with pytest.raises(WorkerFailed, match="no legal advice"):
        await ran(fallback(Agent(model, guards=lawful), Agent(model, name="other")), "May I sue?")
    assert model.requests == []


async def test_checks_stand_in_the_fingerprint_and_their_workers_are_members() -> None:
    @workflow
    def judge(text: str) -> bool:
        return True

    plain = Agent("test:", name="writes")
    assert plain.using(accept=judge).members == (judge,)
    assert len({one.fingerprint() for one in (plain, plain.using(accept=no), plain.using(accept=raises))}) == 3
