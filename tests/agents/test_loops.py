"""Agents that go round in circles are stopped with the evidence, before another model call is paid for."""

from typing import Any

import pytest

from stretto import Agent, App, LoopDetected, RunFailed, WorkerFailed, tool, workflow
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer, calls
from stretto.testing import ScriptedModel, call, say

SEARCHED: list[str] = []


@tool
async def search(query: str) -> str:
    SEARCHED.append(query)
    return f"nothing about {query}"


@tool
async def poll(job: str) -> str:
    SEARCHED.append(job)
    return f"{len(SEARCHED)} of 5 done"


async def failing(worker: Any, value: Any = "x") -> WorkerFailed:
    SEARCHED.clear()
    async with App(db=":memory:") as app:
        job = await app.start(worker, value)
        with pytest.raises(WorkerFailed) as caught:
            await job
        return caught.value


async def output(worker: Any) -> Any:
    SEARCHED.clear()
    async with App(db=":memory:") as app:
        return await (await app.start(worker, "x"))


@pytest.mark.capability(104, 194)
async def test_the_same_call_a_third_time_in_a_row_ends_the_task() -> None:
    model = ScriptedModel([call("search", query="EV")] * 9)
    error = await failing(Agent(model, name="research", tools=[search], retry=3))
    assert error.failure.kind == LoopDetected.__name__
    assert str(error) == (
        'research failed: research went round in circles: it asked for search({"query":"EV"}) for the 3rd time in a '
        "row, and was given the same each time: nothing about EV"
    )
    assert SEARCHED == ["EV", "EV"]
    assert len(model.requests) == 3


async def test_several_calls_at_once_can_be_a_circle_too() -> None:
    turn = calls(call("search", query="EV"), call("search", query="cars"))
    error = await failing(Agent(ScriptedModel([turn] * 9), name="research", tools=[search]))
    assert 'search({"query":"EV"}), search({"query":"cars"})' in str(error)


async def test_a_tool_that_is_not_there_can_be_a_circle_too() -> None:
    error = await failing(Agent(ScriptedModel([call("serch", query="EV")] * 9), name="research", tools=[search]))
    assert "did you mean 'search'?" in str(error)


async def test_another_result_between_is_no_circle() -> None:
    model = ScriptedModel([*[call("poll", job="j")] * 5, say("done")])
    assert await output(Agent(model, name="waits", tools=[poll])) == "done"


@pytest.mark.parametrize("between", [call("search", query="cars"), call("poll", job="j")])
async def test_another_call_between_is_no_circle(between: Answer) -> None:
    model = ScriptedModel(
        [call("search", query="EV"), call("search", query="EV"), between, call("search", query="EV"), "done"]
    )
    assert await output(Agent(model, name="research", tools=[search, poll])) == "done"


def delegating(to: str, text: str) -> ScriptedModel:
    return ScriptedModel(lambda request: _delegates(request, to, text))


def _delegates(request: ModelRequest, to: str, text: str) -> Answer:
    return say("done") if request.messages[-1].role == "tool" else call(to, input=text)


@pytest.mark.capability(104, 194)
async def test_agents_that_delegate_to_and_fro_are_stopped() -> None:
    team: list[Any] = []
    ann = Agent(delegating("ben", "check it"), name="ann", tools=team)
    ben = Agent(delegating("ann", "write it"), name="ben", tools=[ann])
    team.append(ben)
    error = await failing(ann, "write it")
    assert error.failure.root().kind == LoopDetected.__name__
    assert "ann -> ben -> ann -> ben went round in circles" in str(error)
    assert 'ben was given the same again that it is at already: "check it"' in str(error)
    assert [one.worker for one in error.failure.chain()] == ["ann", "ben", "ann"]


async def test_a_circle_through_a_workflow_is_found() -> None:
    holder: list[Agent[str]] = []

    @workflow
    async def helps(what: str) -> str:
        return await holder[0](what)

    holder.append(Agent(delegating("helps", "x"), name="ann", tools=[helps]))
    error = await failing(holder[0])
    assert "ann -> helps -> ann -> helps" in str(error)


async def test_delegating_something_else_deeper_down_is_no_circle() -> None:
    def smaller(request: ModelRequest) -> Answer:
        depth = int(request.messages[1].text)
        return say("done") if depth == 0 or request.messages[-1].role == "tool" else call("helps", input=str(depth - 1))

    holder: list[Agent[str]] = []

    @workflow
    async def helps(what: str) -> str:
        return await holder[0](what)

    holder.append(Agent(ScriptedModel(smaller), "Divide.", name="ann", tools=[helps]))
    async with App(db=":memory:") as app:
        assert await (await app.start(holder[0], "5")) == "done"


async def test_a_circle_is_not_tried_again_further_out() -> None:
    model = ScriptedModel([call("search", query="EV")] * 9)
    research = Agent(model, name="research", tools=[search])

    @workflow(retry=3)
    async def outer(what: str) -> str:
        return await research(what)

    assert isinstance(await failing(outer), RunFailed)
    assert len(model.requests) == 3
