"""Between two workers a person looks at the value, where that is called for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stretto import App, RunFailed, UsageError, gate, parallel, pipeline, start, tool, workflow


@dataclass
class Answer:
    text: str
    confidence: float


def answer(confidence: float) -> Answer:
    return Answer("tea", confidence)


def said(value: Answer) -> str:
    return f"said {value.text}"


unsure = pipeline(answer, gate("Sure?", when=lambda value: value.confidence < 0.7), said)


@pytest.mark.capability(48)
def test_low_confidence_asks_and_high_does_not() -> None:
    assert start(unsure, 0.9, db=":memory:").output == "said tea"
    job = start(unsure, 0.55, db=":memory:")
    assert job.state == "waiting"
    assert job.approvals[0]["content"] == {"text": "tea", "confidence": 0.55}
    job.approve(by="ann")
    assert job.output == "said tea"


@pytest.mark.capability(61)
def test_what_a_person_made_of_it_flows_on() -> None:
    job = start(unsure, 0.2, db=":memory:")
    job.approve(by="ann", edit={"text": "coffee", "confidence": 1.0})
    assert job.output == "said coffee"


SENT: list[str] = []


@tool(effect="idempotent")
def send(text: str) -> str:
    SENT.append(text)
    return "sent"


@workflow
async def deliver(text: str) -> str:
    return await send(text)


def apologise(draft: str, feedback: str) -> str:
    return f"not sent {draft}: {feedback}"


@pytest.mark.capability(42)
def test_a_rejected_value_takes_the_other_way_and_goes_nowhere_else() -> None:
    SENT.clear()
    line = pipeline(
        lambda text: text.upper(), gate("Send this?", otherwise=apologise), deliver, lambda text: f"{text}!"
    )
    job = start(line, "hello", db=":memory:")
    job.reject(by="ann", reason="too loud")
    assert (job.state, job.output, SENT) == ("done", "not sent HELLO: too loud", [])
    again = start(line, "hello", db=":memory:")
    again.approve(by="ann")
    assert (again.output, SENT) == ("sent!", ["HELLO"])


@pytest.mark.capability(42)
async def test_without_another_way_the_run_fails_with_the_reason_and_asks_again_when_resumed() -> None:
    SENT.clear()
    async with App(db=":memory:") as app:
        job = await app.start(pipeline(gate("Send this?"), deliver), "hello")
        await app.settled(job.id)
        await (await job.refresh()).reject(by="ann", reason="too loud")
        with pytest.raises(RunFailed, match="too loud"):
            await job
        assert (await job.refresh()).view.failure["cause"]["kind"] == "PolicyDenied"
        assert SENT == []
        await job.resume()
        await app.settled(job.id)
        assert (await job.refresh()).state == "waiting"
        await job.approve(by="ann")
        assert await job == "sent"


def test_a_function_takes_the_rejected_draft_alone() -> None:
    job = start(gate("Fine?", otherwise=lambda draft: f"kept {draft}"), "tea", db=":memory:")
    job.reject(by="ann", reason="no")
    assert job.output == "kept tea"


def test_gates_stand_in_other_patterns_and_know_their_type_there() -> None:
    inner = pipeline(gate("Sure?", when=lambda value: value.confidence < 0.7), said)
    done = start(pipeline(answer, inner), 0.9, db=":memory:")
    assert done.output == "said tea"

    @workflow
    async def by_hand(confidence: float) -> Answer:
        passed: Answer = await gate("Sure?", when=lambda value: value.confidence < 0.7)(Answer("tea", confidence))
        return passed

    assert start(by_hand, 0.9, db=":memory:").output == Answer("tea", 0.9)
    typed = gate("Sure?", when=lambda value: value.confidence < 0.7, input=Answer)
    assert (
        start(parallel(typed, typed), {"text": "tea", "confidence": 0.8}, db=":memory:").output
        == [Answer("tea", 0.8)] * 2
    )


def test_the_question_may_be_made_of_the_value() -> None:
    job = start(pipeline(answer, gate(lambda value: f"Say {value.text}?", to="editors"), said), 0.1, db=":memory:")
    assert (job.approvals[0]["prompt"], job.approvals[0]["to"]) == ("Say tea?", "editors")


def test_a_rule_that_cannot_look_at_the_value_is_told_why() -> None:
    done = start(gate("Sure?", when=lambda value: value.confidence < 0.7), {"confidence": 0.5}, db=":memory:")
    assert "give the gate input=Type" in done.error
    assert UsageError.__name__ in repr(done.view.failure)


def test_the_verdict_of_the_rule_is_not_asked_again(tmp_path: Any) -> None:
    asked: list[float] = []

    def rule(value: Answer) -> bool:
        asked.append(value.confidence)
        return len(asked) == 1

    line = pipeline(answer, gate("Sure?", when=rule), said)
    db = str(tmp_path / "runs.db")
    assert start(line, 0.5, id="r", db=db).state == "waiting"
    again = start(line, 0.5, id="r", db=db)
    again.approve(by="ann")
    assert (again.output, asked) == ("said tea", [0.5])


async def test_what_was_accepted_is_shown_anew_in_a_fork() -> None:
    made: list[float] = []

    @workflow
    def careful(confidence: float) -> Answer:
        made.append(confidence)
        return Answer("tea", confidence)

    async with App(db=":memory:") as app:
        line = pipeline(pipeline(careful, gate("Sure?")), said)
        job = await app.start(line, 0.5)
        await app.settled(job.id)
        await (await job.refresh()).approve(by="ann")
        assert await job == "said tea"
        fork = await job.fork(at=2, worker=line)
        await app.settled(fork.id)
        assert (await fork.refresh()).state == "waiting", "approvals do not carry over"
        await fork.approve(by="ann", edit={"text": "coffee", "confidence": 1.0})
        assert await fork == "said coffee"
    assert made == [0.5], "and what was finished is not done again"


async def test_nobody_in_time_is_a_no() -> None:
    async with App(db=":memory:") as app:
        job = await app.start(gate("Fine?", expires=0.01, otherwise=apologise), "tea")
        assert await job == "not sent tea: expired: nobody answered in time"


def reworded(draft: str, feedback: str) -> str:
    return f"{draft}, {feedback}"


@pytest.mark.capability(61)
def test_a_rejected_draft_is_revised_and_shown_again_until_it_is_accepted() -> None:
    line = pipeline(gate("Good?", revise=reworded), deliver)
    SENT.clear()
    job = start(line, "tea", db=":memory:")
    job.reject(by="ann", reason="with milk")
    assert job.approvals[0]["content"] == "tea, with milk"
    job.reject(by="ann", reason="no sugar")
    assert SENT == []
    job.approve(by="ann")
    assert (job.output, SENT) == ("sent", ["tea, with milk, no sugar"])
    with pytest.raises(UsageError, match="one way only"):
        gate(revise=reworded, otherwise=reworded)


def test_a_rule_that_is_no_function_is_refused_where_it_is_written() -> None:
    with pytest.raises(UsageError, match="is no function; write it as one"):
        gate("Sure?", when="confidence < 0.7")  # type: ignore[arg-type]
