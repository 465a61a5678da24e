"""Tries: at the smallest place that can be, as often as was said, and never multiplied by those further out."""

from typing import Any

import pytest

from stretto import Agent, App, ToolError, WorkerFailed, tool, workflow
from stretto.core.messages import ModelRequest
from stretto.core.values import Answer
from stretto.models.script import Fail, Step
from stretto.testing import ScriptedModel, fail, say
from tests.crash.scenarios import OUTSIDE
from tests.crash.simulation import Scenario, World, play
from tests.models.virtual import time, virtually


def attempts(model: ScriptedModel, worker: Any) -> tuple[int, WorkerFailed]:
    """How often the model was asked, and the error."""

    async def tried() -> WorkerFailed:
        async with App(db=":memory:") as app:
            job = await app.start(worker, "x")
            with pytest.raises(WorkerFailed) as caught:
                await job
            return caught.value

    error = virtually(tried())
    return len(model.requests), error


def down(status: int = 500) -> ScriptedModel:
    return ScriptedModel(lambda request: _failing(status), name="frail:one")


def _failing(status: int) -> Fail:
    return fail(status)


# ---- model calls


@pytest.mark.capability(93)
def test_waits_grow_and_keep_to_retry_after() -> None:
    times: list[float] = []
    steps: list[Step] = [fail(429, retry_after=7), fail(429, retry_after=7), say("done")]

    def answer(request: ModelRequest) -> Step:
        times.append(time())
        return steps.pop(0)

    assert virtually(_said(Agent(ScriptedModel(answer, name="busy:one")))) == "done"
    first, second = times[1] - times[0], times[2] - times[1]
    assert 7 < first <= 7.5 <= second <= 8


async def _said(worker: Any) -> Any:
    async with App(db=":memory:") as app:
        return await (await app.start(worker, "x"))


@pytest.mark.capability(94)
@pytest.mark.parametrize(("retry", "tries"), [(None, 3), (0, 1), (1, 2), (4, 5)])
def test_an_always_failing_call_is_made_as_often_as_was_said(retry: int | None, tries: int) -> None:
    model = down()
    made, error = attempts(model, Agent(model, name="asks", retry=retry))
    assert made == tries
    assert (error.failure.kind, error.failure.attempts) == ("ModelError", tries)
    after = f" after {tries} attempts" if tries > 1 else ""
    assert str(error) == f"asks failed{after}: frail:one failed with 500, as its script says"


def test_attempts_at_a_task_do_not_multiply_those_at_its_steps() -> None:
    model = down()
    asks = Agent(model, name="asks")

    @workflow(retry=4)
    async def middle(what: str) -> str:
        return await asks(what)

    @workflow(retry=2)
    async def outer(what: str) -> str:
        return await middle(what)

    made, error = attempts(model, outer)
    assert made == 5, "the innermost task that says a number has it"
    assert [one.attempts for one in error.failure.chain()] == [1, 1, 5]


def test_what_the_provider_refuses_is_not_tried_again() -> None:
    model = down(400)
    assert attempts(model, Agent(model, name="asks", retry=5))[0] == 1


def test_a_task_is_tried_again_where_its_steps_succeed() -> None:
    model = ScriptedModel(["wrong", "wrong", "wrong", "7"], name="frail:one")
    asks = Agent(model, name="asks", output=int, repair=0, retry=3)
    assert virtually(_said(asks)) == 7


@pytest.mark.capability(95)
def test_a_model_call_has_its_time_limit() -> None:
    model = ScriptedModel(lambda request: say("late"), name="slow:one", latency=1_000)
    made, error = attempts(model, Agent(model, name="asks", settings={"timeout": 2}, retry=1))
    assert made == 2
    assert "slow:one gave no answer within 2 seconds" in str(error)


# ---- tools


@tool(retry=3)
async def shaky_read(what: str, *, world: World = OUTSIDE) -> str:
    world.facts["reads"] = world.facts.get("reads", 0) + 1
    if world.facts["reads"] < 3:
        raise OSError("not yet")
    return f"read {what}"


@tool(effect="idempotent", retry=3)
async def shaky_put(what: str, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("put", what, key=idempotency_key, again=False)
    world.facts["puts"] = world.facts.get("puts", 0) + 1
    if world.facts["puts"] < 3:
        raise OSError("the answer was lost")
    return f"put {what}"


@workflow
async def reads_and_puts() -> list[str]:
    return [await shaky_read("a"), await shaky_put("b"), await shaky_put("c")]


@pytest.mark.capability(93)
def test_a_tools_tries_are_steps_of_their_own() -> None:
    session = play(Scenario(reads_and_puts))
    assert session.output == ["read a", "put b", "put c"]
    assert session.kinds["step_failed"] == 4
    assert session.world.effects == [("put", "b"), ("put", "c")], "a keyed service sees one key"
    assert sorted(session.world.keys.values()) == [1, 3]


def test_tries_of_a_tool_survive_every_crash() -> None:
    sites = len(play(Scenario(reads_and_puts)).sites)
    for site in range(1, sites + 1):
        session = play(Scenario(reads_and_puts), [site])
        assert session.output == ["read a", "put b", "put c"], f"died at {site}"
        assert session.world.effects == [("put", "b"), ("put", "c")], f"died at {site}"


MADE: list[str] = []


@tool(retry=2)
async def always_fails() -> None:
    MADE.append("read")
    raise OSError("no")


@tool(effect="once", retry=5)
async def once() -> None:
    MADE.append("once")
    raise OSError("nobody knows")


@tool(retry=5)
async def says_why() -> None:
    MADE.append("said")
    raise ToolError("there is no such file")


@workflow(retry=3)
async def calls(name: str) -> None:
    await {"read": always_fails, "once": once}[name]()


def test_a_tool_that_always_fails_is_called_as_often_as_was_said() -> None:
    MADE.clear()
    error = play(Scenario(calls, "read", ends="run_failed")).error
    assert MADE == ["read"] * 3, "and the task around it does not begin anew"
    assert str(error) == "calls failed after 3 attempts: no"


@pytest.mark.capability(103)
def test_once_is_never_retried() -> None:
    MADE.clear()
    play(Scenario(calls, "once", person=lambda asked, happened: Answer("abort", by="eve"), ends="run_failed"))
    assert MADE == ["once"]


@workflow
async def asks_why() -> None:
    await says_why()


def test_an_error_for_the_model_is_not_retried() -> None:
    MADE.clear()
    play(Scenario(asks_why, ends="run_failed"))
    assert MADE == ["said"]
