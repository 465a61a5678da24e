"""A person stands wherever a worker can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stretto import Agent, App, UsageError, ask, fallback, gather, loop, person, pipeline, route, start, workflow
from stretto.testing import ScriptedModel, call, say


@dataclass
class Verdict:
    ok: bool
    note: str = ""


anna = person("anna", to="editors", output=Verdict, question="Good enough?")


@workflow
async def gather_two() -> list[str]:
    return await gather(ask("First?"), ask("Second?"))


def shout(text: str) -> str:
    return text.upper()


def test_the_answer_is_typed_and_what_it_is_about_is_shown() -> None:
    job = start(pipeline(shout, anna), "tea", db=":memory:")
    (asked,) = job.approvals
    assert (asked["worker"], asked["to"], asked["prompt"], asked["content"]) == (
        "anna",
        "editors",
        "Good enough?",
        "TEA",
    )
    job.answer(None, {"ok": True}, by="anna")
    assert job.output == Verdict(True)


def test_without_a_question_a_text_is_the_question() -> None:
    job = start(person("anna"), "How many?", db=":memory:")
    assert (job.approvals[0]["prompt"], job.approvals[0]["content"], job.approvals[0]["to"]) == (
        "How many?",
        None,
        "anna",
    )
    job.answer("How many?", "three", by="anna")
    assert job.output == "three"


def test_a_question_may_be_made_of_the_input() -> None:
    job = start(person("anna", question=lambda order: f"Ship {order['id']}?", output=bool), {"id": 7}, db=":memory:")
    job.answer("Ship 7?", True, by="anna")
    assert job.output is True


def test_a_person_takes_what_nobody_else_does() -> None:
    desk = route(lambda text: "other", {"billing": shout}, otherwise=person("desk"))
    job = start(desk, "Hello?", db=":memory:")
    job.answer("Good day.", by="dan")
    assert job.output == "Good day."


def test_an_answer_without_a_name_is_to_the_only_open_question() -> None:
    job = start(gather_two, db=":memory:")
    with pytest.raises(UsageError, match="waits for several answers"):
        job.answer("yes", by="anna")
    with pytest.raises(UsageError, match="7 names no question"):
        job.answer(7, "yes", by="anna")
    job.answer("First?", "one", by="anna")
    job.answer("two", by="anna")
    assert job.output == ["one", "two"]


def test_a_person_criticises_in_a_loop() -> None:
    @workflow
    def write(task: Any) -> str:
        return "better" if isinstance(task, dict) else "draft"

    job = start(loop(write, anna, until=lambda verdict: verdict.ok), "tea", db=":memory:")
    job.answer(None, {"ok": False, "note": "too plain"}, by="anna")
    assert job.approvals[0]["content"] == "better"
    job.answer(None, {"ok": True}, by="anna")
    assert job.output == "better"


def test_an_agent_asks_a_person_as_a_tool() -> None:
    model = ScriptedModel([call("anna", input="Ship it?"), say("done")])
    job = start(Agent(model, "Ask before you ship.", name="clerk", tools=[person("anna")]), "ship", db=":memory:")
    job.answer("Ship it?", "no, wait", by="anna")
    assert job.output == "done"
    assert "no, wait" in repr(model.requests[-1].messages[-1])


async def test_who_does_not_answer_in_time_is_stood_in_for() -> None:
    late = fallback(person("anna", expires=0.01), shout)
    async with App(db=":memory:") as app:
        assert await (await app.start(late, "tea")) == "TEA"


def test_the_same_question_about_something_else_is_another_question() -> None:
    @workflow
    async def twice() -> list[Verdict]:
        return [await anna("first"), await anna("second")]

    job = start(twice, db=":memory:")
    first = job.approvals[0]["id"]
    job.answer(None, {"ok": True}, by="anna")
    assert job.approvals[0]["content"] == "second"
    assert job.approvals[0]["id"] != first
