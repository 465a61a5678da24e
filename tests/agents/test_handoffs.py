"""Handing a conversation over: another agent goes on with it, under its own instructions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, App, LoopDetected, UsageError, WorkerFailed, handoff, run, tool, workflow
from stretto.core.events import Decided, TaskStarted
from stretto.core.messages import Message, ModelRequest
from stretto.models.script import Answer, calls
from stretto.testing import ScriptedModel, call, say


@tool
async def look_up(customer: str) -> str:
    """Find a customer."""
    return f"{customer} pays by card"


def scripted(*steps: Any) -> ScriptedModel:
    return ScriptedModel(list(steps))


def said(request: ModelRequest) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in request.messages]


async def ran(worker: Any, value: Any = "My bill is wrong.") -> tuple[Any, list[Any], list[str]]:
    """The output, the handoffs and the tasks."""
    async with App(db=":memory:") as app:
        job = await app.start(worker, value)
        output = await job
        rows = (await job.refresh()).events
    events = [row.event() for row in rows]
    marks = [event.value for event in events if isinstance(event, Decided) and event.name == "handoff"]
    return output, marks, [event.worker for event in events if isinstance(event, TaskStarted)]


@pytest.mark.capability(38)
async def test_the_specialist_answers_without_the_other_agents_tool_calls() -> None:
    specialist = scripted("It is mended.")
    billing = Agent(specialist, "You mend bills.", name="billing")
    first = scripted(
        calls(say("Let me look."), call("look_up", customer="ada")), call("transfer_to_billing", reason="It is a bill.")
    )
    triage = Agent(first, "You sort.", name="triage", tools=[look_up], handoffs=[billing])
    output, marks, tasks = await ran(triage)
    assert output == "It is mended."
    assert marks == [{"from": "triage", "to": "billing", "reason": "It is a bill."}]
    assert tasks == ["triage", "billing"]
    assert said(specialist.requests[0]) == [
        ("system", "You mend bills."),
        ("user", "My bill is wrong."),
        ("assistant", "Let me look."),
        ("user", "triage handed this conversation over to you. It is a bill."),
    ]
    assert not any(message.calls for message in specialist.requests[0].messages)
    assert specialist.requests[0].tools == ()
    assert [spec.name for spec in first.requests[0].tools] == ["look_up", "transfer_to_billing"]


async def test_the_filter_can_be_replaced_and_sees_everything_but_the_instructions() -> None:
    seen: list[Message] = []

    def all_of_it(messages: list[Message]) -> list[Message]:
        seen[:] = messages
        return messages

    specialist = scripted("Done.")
    to = handoff(Agent(specialist, name="billing"), filter=all_of_it, about="For bills.")
    first = scripted(call("look_up", customer="ada"), call("transfer_to_billing"))
    await ran(Agent(first, "You sort.", name="triage", tools=[look_up], handoffs=[to]))
    assert [message.role for message in seen] == ["user", "assistant", "tool", "assistant", "tool"]
    assert "For bills." in first.requests[0].tools[1].description
    assert [message.role for message in specialist.requests[0].messages][:-1] == [message.role for message in seen]


@dataclass
class Bill:
    amount: int


@pytest.mark.capability(38)
async def test_the_run_gives_what_the_specialist_gives() -> None:
    billing = Agent(scripted(say({"amount": 3})), name="billing", output=Bill)
    triage = Agent(scripted(call("transfer_to_billing")), name="triage", handoffs=[billing])
    assert (await ran(triage))[0] == Bill(3)


async def test_it_may_be_handed_on_and_each_is_a_task_of_the_first() -> None:
    third = Agent(scripted("Done."), name="refunds")
    second = Agent(scripted(call("transfer_to_refunds")), name="billing", handoffs=[third])
    first = Agent(scripted(call("transfer_to_billing")), name="triage", handoffs=[second])
    output, marks, tasks = await ran(first)
    assert output == "Done."
    assert [(mark["from"], mark["to"]) for mark in marks] == [("triage", "billing"), ("billing", "refunds")]
    assert tasks == ["triage", "billing", "refunds"]


def to_and_fro(name: str) -> ScriptedModel:
    return ScriptedModel(lambda request: call(f"transfer_to_{name}", reason="not mine"))


@pytest.mark.capability(38)
async def test_going_back_once_is_allowed_and_to_and_fro_is_a_circle() -> None:
    def once(request: ModelRequest) -> Answer:
        back = any("handed this conversation" in message.text for message in request.messages)
        return say("Then I do it.") if back else call("transfer_to_ben")

    ben = Agent(to_and_fro("ann"), name="ben", handoffs=["ann"])
    output, marks, _ = await ran(Agent(ScriptedModel(once), name="ann", handoffs=[ben]))
    assert (output, len(marks)) == ("Then I do it.", 2)
    with pytest.raises(WorkerFailed) as caught:
        await ran(Agent(to_and_fro("ben"), name="ann", handoffs=[ben]))
    assert caught.value.failure.root().kind == LoopDetected.__name__
    assert "ann -> ben -> ann -> ben went round in circles" in str(caught.value)
    assert "not mine" in str(caught.value)


@pytest.mark.capability(38, 53)
async def test_an_approval_inside_the_specialist_waits_survives_a_restart_and_runs_once(tmp_path: Path) -> None:
    paid: list[int] = []

    @tool(risk="high", effect="once")
    async def pay(amount: int) -> str:
        paid.append(amount)
        return "paid"

    specialist = scripted(call("pay", amount=7), "Refunded.")
    billing = Agent(specialist, name="billing", tools=[pay])
    first = scripted(call("transfer_to_billing", reason="It is a bill."))

    @workflow
    async def desk(question: str) -> str:
        return await Agent(first, name="triage", handoffs=[billing])(question)

    db = str(tmp_path / "runs.db")
    async with App(db=db) as app:
        job = await app.start(desk, "My bill is wrong.", id="r")
        await app.settled("r")
        (approval,) = (await job.refresh()).approvals
        assert (approval["tool"], approval["args"]) == ("pay", {"amount": 7})
        assert job.why()["handoffs"][-1]["to"] == "billing"
    async with App([desk], db=db) as app:
        job = await app.get("r")
        await job.approve(by="ann")
        assert await job == "Refunded."
    assert paid == [7]
    assert (len(first.requests), len(specialist.requests)) == (1, 2)


async def test_tools_called_in_the_same_turn_are_answered_first() -> None:
    specialist = scripted("Done.")
    billing, sales = Agent(specialist, name="billing"), Agent(scripted(), name="sales")
    turn = calls(call("look_up", customer="ada"), call("transfer_to_billing"), call("transfer_to_sales"))
    to = handoff(billing, filter=lambda messages: messages)
    _, marks, _ = await ran(Agent(scripted(turn), name="triage", tools=[look_up], handoffs=[to, sales]))
    assert [mark["to"] for mark in marks] == ["billing"]
    results = [part.content for part in specialist.requests[0].messages[-2].parts]  # type: ignore[union-attr]
    assert results[0] == "ada pays by card"
    assert len(results) == 3


async def test_a_specialists_instructions_may_be_made_of_the_first_input() -> None:
    def instructions(customer: str) -> str:
        return f"You serve {customer}."

    specialist = scripted("Done.")
    billing = Agent(specialist, instructions, name="billing")
    await ran(Agent(scripted(call("transfer_to_billing")), name="triage", handoffs=[billing]), "ada")
    assert specialist.requests[0].messages[0].text == "You serve ada."


@pytest.mark.capability(38)
async def test_the_next_turn_of_a_conversation_is_answered_by_the_specialist() -> None:
    specialist = scripted(call("look_up", customer="ada"), "It is mended.", "By card.")
    billing = Agent(specialist, "You mend bills.", name="billing", tools=[look_up])
    triage = Agent(scripted(call("transfer_to_billing")), "You sort.", name="triage", handoffs=[billing])
    async with App(db=":memory:") as app:
        job = await app.start(triage, "My bill is wrong.")
        assert await job == "It is mended."
        assert await job.say("How did I pay?") == "By card."
        await job.replay()
    request = specialist.requests[-1]
    assert request.messages[0].text == "You mend bills."
    assert "ada pays by card" in str(request.messages)
    assert said(request)[-1] == ("user", "How did I pay?")


async def test_a_specialists_guards_see_the_input_as_the_type_it_takes() -> None:
    def small(bill: Bill) -> str | None:
        return None if bill.amount < 10 else f"{bill.amount} is too much for billing"

    billing = Agent(scripted("Done."), name="billing", input=Bill, guards=small, refusal="Call us.")
    triage = Agent(ScriptedModel(lambda request: call("transfer_to_billing")), name="triage", handoffs=[billing])
    assert (await ran(triage, {"amount": 99}))[0] == "Call us."
    assert (await ran(triage, {"amount": 3}))[0] == "Done."


def test_only_agents_take_a_conversation_over() -> None:
    with pytest.raises(UsageError, match="len cannot go on with a conversation; hand over to an Agent"):
        run(Agent(scripted("x"), name="triage", handoffs=[workflow(len)]), "x", db=":memory:")  # type: ignore[list-item]


def test_names_are_unique_and_known() -> None:
    two = Agent("test:", name="ann", handoffs=[Agent("test:", name="ben", handoffs=[Agent("test:", name="ann")])])
    with pytest.raises(WorkerFailed, match="two agents that hand over to each other are named 'ann'"):
        run(two, "x", db=":memory:")
    with pytest.raises(WorkerFailed, match="ann hands over to 'zoe', and nobody of that name is reached"):
        run(Agent("test:", name="ann", handoffs=["zoe"]), "x", db=":memory:")


async def test_a_model_that_misspells_a_handoff_is_told() -> None:
    first = scripted(call("transfer_to_biling"), call("transfer_to_billing"))
    await ran(Agent(first, name="triage", handoffs=[Agent(scripted("Done."), name="billing")]))
    assert "did you mean 'transfer_to_billing'?" in str(first.requests[1].messages[-1].parts)
