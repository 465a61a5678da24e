"""Every word that the package sends to a model of its own accord is listed, and can be replaced."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, Orchestrator, UsageError, start
from stretto.core.messages import ModelRequest
from stretto.models.script import Step
from stretto.testing import FakeProvider, say
from tests.orchestrator.test_planning import start_at

PLAN = {"tasks": [{"id": "a", "worker": "write", "goal": "DATA write it", "accept": "DATA has it"}]}


def think(request: ModelRequest) -> Step | str:
    """Its first answers to the reviewer and planner do not fit, so that they are asked again."""
    if "does not fit" not in str([message.text for message in request.messages]) and request.output:
        return "no JSON"
    names = json.dumps(request.output or {})
    if '"tasks"' in names:
        return say(PLAN)
    if '"ok"' in names:
        return say({"ok": True})
    if '"value"' in names:
        return say({"value": 1})
    return say("DATA done")


def boss(model: str, **prompts: str) -> Orchestrator:
    write = Agent(model, "You write.", name="write", wording={})
    return Orchestrator(model, [write], accept=0.5, prompts=prompts, name="boss")


def sentences(value: Any) -> Iterator[str]:
    """All text that a request has anywhere, but for names: what has a space in it."""
    match value:
        case dict():
            for item in value.values():
                yield from sentences(item)
        case list():
            for item in value:
                yield from sentences(item)
        case str() if value.startswith('{"') or value.startswith("[{"):
            yield from sentences(json.loads(value))
        case str() if " " in value:
            yield value
        case _:
            pass


def fits(said: str, prompts: list[str]) -> bool:
    """Whether text is one of the prompts, maybe with something filled in."""
    return any(said.startswith(prompt.partition("{")[0]) for prompt in prompts)


@pytest.mark.capability(13)
@pytest.mark.parametrize("model", ["openai:gpt-5-mini", "anthropic:claude-sonnet-4-6"])
def test_nothing_is_sent_that_is_not_listed(model: str, tmp_path: Path, cli: Any) -> None:
    (tmp_path / "app.py").write_text(
        "from stretto import Agent, Orchestrator\n"
        f"write = Agent('{model}', 'You write.', name='write')\n"
        f"boss = Orchestrator('{model}', [write], accept=0.5, name='boss')\n"
    )
    listed = json.loads(cli("prompts", "app.py:boss", "--json").out)
    assert set(listed) == {"boss.plan", "boss.review", "boss.integrate", "boss.judge", "write"}
    prompts = [text for said in listed.values() for text in said.values()]
    with FakeProvider(think) as fake:
        job = start_at(fake, boss(model), "DATA the goal")
    assert job.output == "DATA done", job.error
    sent = {said for one in fake.received for said in sentences(json.loads(one.body))}
    hidden = {said for said in sent if "DATA" not in said and said != "no JSON" and not fits(said, prompts)}
    assert hidden - {"{default: }"} <= {said for said in hidden if said.startswith("{default")}
    assert len(sent) > 5


@pytest.mark.capability(13)
def test_replacing_a_prompt_changes_just_those_bytes() -> None:
    def bodies(**prompts: str) -> list[str]:
        with FakeProvider(think) as fake:
            assert start_at(fake, boss("openai:gpt-5-mini", **prompts), "DATA the goal").state == "done"
        return [one.body.decode() for one in fake.received]

    before = bodies()
    for part, opening, sends in (
        ("plan", "You plan", 2),
        ("review", "You review", 2),
        ("integrate", "You are given a goal and the results", 1),
    ):
        after = bodies(**{part: "MINE ALONE."})
        assert sum("MINE ALONE." in body for body in after) == sends
        assert not any(opening in body for body in after)
        assert [one for one in before if opening not in one] == [one for one in after if "MINE ALONE." not in one]
    assert sum("MINE AGAIN" in body for body in bodies(repair="MINE AGAIN: {problem} does not fit")) == 3


def test_what_an_orchestrator_is_instructed_stands_before_each_of_its_prompts() -> None:
    with FakeProvider(think) as fake:
        lead = Orchestrator(
            "openai:gpt-5-mini", [Agent("openai:gpt-5-mini", name="write")], instructions="You lead a newsroom."
        )
        assert start_at(fake, lead, "DATA the goal").state == "done"
    bodies = [one.body.decode() for one in fake.received]
    openings = ("You plan work", "You review one result", "You are given a goal and the results")
    parts = [body for body in bodies if any(opening in body for opening in openings)]
    assert len(bodies) > len(parts) > 2  # its worker is told nothing of it
    assert parts == [body for body in bodies if "You lead a newsroom.\\n\\nYou " in body]


@pytest.mark.capability(13)
def test_the_replacement_is_what_is_listed(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "app.py").write_text(
        "from stretto import Orchestrator\n"
        "def work(goal): return goal\n"
        "boss = Orchestrator('test:', [work], prompts={'plan': 'Plan as I do.'}, name='boss')\n"
    )
    listed = json.loads(cli("prompts", "app.py:boss", "--json").out)
    assert listed["boss.plan"]["instructions"] == "Plan as I do."


def test_an_unknown_prompt_is_refused() -> None:
    with pytest.raises(
        UsageError, match="boss never says 'plans'; prompts replaces plan, review, integrate, judge, repair"
    ):
        start(boss("test:", plans="x"), "goal", db=":memory:")
    said = start(
        Agent("test:", name="a", max_turns=1, tools=[len_of], wording={"last": "x"}), "goal", db=":memory:"
    ).error
    assert "a never says 'last'; wording replaces repair, revise, last_turn" in said


def len_of(text: str) -> int:
    return len(text)
