"""Speakers answer each other until they agree, or the rounds are over; that they don't agree is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stretto import Agent, Consensus, Debated, UsageError, debate, pipeline, start, workflow
from stretto.testing import ScriptedModel, say


def optimist(task: str, transcript: list[dict[str, Any]]) -> str:
    return f"{task} works" if len(transcript) < 4 else "let us wait"


def sceptic(view: dict[str, Any]) -> str:
    assert view["you"] == "sceptic"
    return "let us wait"


@pytest.mark.capability(33)
def test_a_debate_ends_when_all_say_the_same() -> None:
    done = start(debate(optimist, sceptic, rounds=5), "it", db=":memory:")
    assert done.output == Debated(True, "let us wait", {"optimist": "let us wait", "sceptic": "let us wait"}, 3)
    assert [task.label for task in done.tasks if task.worker == "sceptic"] == ["round 1", "round 2", "round 3"]


@pytest.mark.capability(33)
def test_disagreement_after_the_last_round_is_reported() -> None:
    done = start(
        debate(optimist, sceptic, judge=lambda positions: len(set(positions.values())) == 1), "it", db=":memory:"
    )
    assert done.state == "done"
    assert done.output.agreed is True, "they agree in the third round"
    short = start(debate(optimist, sceptic, rounds=2), "it", db=":memory:").output
    assert short == Debated(
        False, None, {"optimist": "it works", "sceptic": "let us wait"}, 2, "no agreement after 2 rounds"
    )


@pytest.mark.capability(33)
def test_a_judge_that_thinks_sees_the_transcript_and_gives_a_verdict() -> None:
    speaks = ScriptedModel([say("yes"), say("no"), say("well, yes"), say("yes, but slowly")])
    first = Agent(speaks, "You are for it.", name="optimist")
    second = Agent(speaks, "You are against it.", name="sceptic")
    verdicts = [
        say({"agreed": False, "reason": "far apart"}),
        say({"agreed": True, "answer": "slowly", "reason": "both yield"}),
    ]
    judge = Agent(ScriptedModel(verdicts), "Do they agree?", name="judge", output=Consensus)
    done = start(debate(first, second, judge=judge), "shall we?", db=":memory:")
    assert done.output == Debated(
        True, "slowly", {"optimist": "well, yes", "sceptic": "yes, but slowly"}, 2, "both yield"
    )
    last = speaks.requests[-1].messages[-1].text
    assert '"speaker":"optimist"' in last
    assert "well, yes" in last
    assert [task.worker for task in done.tasks][1:4] == ["optimist", "sceptic", "judge"]


def test_a_speaker_that_takes_text_reads_the_transcript() -> None:
    read: list[str] = []

    def reader(text: str) -> str:
        read.append(text)
        return "fine"

    start(debate(sceptic, reader, rounds=1), "it", db=":memory:")
    assert read == ["task:\nit\n\ntranscript:\nsceptic: let us wait\n\nyou:\nreader"]


def test_what_comes_next_is_given_the_report() -> None:
    def report(outcome: Debated) -> str:
        return "settled" if outcome.agreed else f"open: {outcome.positions}"

    done = start(pipeline(debate(optimist, sceptic, rounds=1), report), "it", db=":memory:")
    assert done.output == "open: {'optimist': 'it works', 'sceptic': 'let us wait'}"


@dataclass
class Opinion:
    ok: bool
    reason: str


def test_a_verdict_may_have_a_type_of_its_own() -> None:
    no = debate(optimist, sceptic, judge=lambda positions: Opinion(False, "never"), rounds=1)
    assert start(no, "it", db=":memory:").output.reason == "never"
    assert start(
        debate(optimist, sceptic, judge=lambda positions: Opinion(True, "")), "it", db=":memory:"
    ).output.agreed


def test_a_judge_that_says_something_else_is_told_so() -> None:
    done = start(debate(optimist, sceptic, judge=lambda positions: "perhaps"), "it", db=":memory:")
    assert done.state == "failed"
    assert "output=Consensus" in done.error


def test_a_function_whose_parameters_nobody_gives_is_told_so() -> None:
    @workflow
    def odd(colour: str, size: int) -> str:
        return colour

    done = start(debate(odd, sceptic), "it", db=":memory:")
    assert "task, transcript, you" in done.error


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(UsageError, match="two speakers"):
        debate(optimist)
    with pytest.raises(UsageError, match="same name"):
        debate(optimist, optimist)
    with pytest.raises(UsageError, match="rounds=0"):
        debate(optimist, sceptic, rounds=0)
