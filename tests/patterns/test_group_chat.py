"""Workers and people speak in turn; a person's turn waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stretto import Agent, App, Chat, UsageError, group_chat, person, start
from stretto.testing import ScriptedModel, say


def ben(view: dict[str, Any]) -> str:
    return f"ben heard {len(view['transcript'])}"


def cy(task: str, transcript: list[dict[str, Any]]) -> str:
    return f"cy heard {len(transcript)} about {task}"


def said(*turns: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"speaker": speaker, "said": statement} for speaker, statement in turns]


def test_all_speak_in_turn_and_hear_what_was_said() -> None:
    done = start(group_chat(ben, cy, max=3), "tea", db=":memory:")
    turns = said(("ben", "ben heard 0"), ("cy", "cy heard 1 about tea"), ("ben", "ben heard 2"))
    assert done.output == Chat("ben heard 2", turns, "max")


def test_a_condition_ends_it() -> None:
    chat = group_chat(ben, cy, until=lambda transcript: len(transcript) == 2)
    output = start(chat, "tea", db=":memory:").output
    assert (len(output.transcript), output.ended) == (2, "until")


@dataclass
class Wish:
    what: str
    sugar: int


@pytest.mark.capability(41)
async def test_a_persons_turn_pauses_the_run_and_goes_on_with_the_typed_answer(tmp_path: Any) -> None:
    chat = group_chat(ben, person("anna", to="guests", output=Wish, question="What would you like?"), cy, max=3)
    db = str(tmp_path / "runs.db")
    async with App(db=db) as app:
        job = await app.start(chat, "tea", id="r")
        await app.settled("r")
        await job.refresh()
        assert job.state == "waiting"
        (asked,) = job.approvals
        assert (asked["kind"], asked["to"], asked["prompt"]) == ("question", "guests", "What would you like?")
        assert asked["content"]["transcript"] == said(("ben", "ben heard 0"))
        assert "sugar" in asked["schema"]["properties"]
    async with App(db=db) as app:
        again = await app.start(chat, "tea", id="r")
        with pytest.raises(UsageError, match="does not fit"):
            await again.answer(None, {"what": "tea"}, by="anna")
        await again.answer(None, {"what": "tea", "sugar": 2}, by="anna")
        output = await again
    assert output.transcript[1] == {"speaker": "anna", "said": {"what": "tea", "sugar": 2}}
    assert output.answer == "cy heard 2 about tea"


def test_a_rule_says_whose_turn_it_is() -> None:
    def turn(transcript: list[dict[str, Any]]) -> str:
        return "cy" if len(transcript) < 2 else "nobody"

    output = start(group_chat(ben, cy, next=turn), "tea", db=":memory:").output
    assert ([one["speaker"] for one in output.transcript], output.ended) == (["cy", "cy"], "nobody")


def test_a_model_says_whose_turn_it_is_and_is_told_who_takes_part() -> None:
    model = ScriptedModel([say("Cy."), say("**Ben**"), say("nobody")])
    output = start(group_chat(ben, cy, next=Agent(model, "You lead.", name="chair")), "tea", db=":memory:").output
    assert [one["speaker"] for one in output.transcript] == ["cy", "ben"]
    assert "- ben\n- cy\n- nobody" in model.requests[0].messages[0].text


def test_a_stranger_is_no_choice() -> None:
    done = start(group_chat(ben, cy, next=lambda transcript: "zoe"), "tea", db=":memory:")
    assert "who does not take part; it is one of ben, cy, or nobody" in done.error


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(UsageError, match="name of its own"):
        group_chat(ben, ben)
    with pytest.raises(UsageError, match="needs participants"):
        group_chat()
    with pytest.raises(UsageError, match="max=0"):
        group_chat(ben, max=0)
