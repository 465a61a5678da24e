"""`stretto show ID --context TASK`: just what a model was sent, and what it did not get to see."""

import json

import pytest

from tests.cli.conftest import Shell

AGENTS = '''
import re
from dataclasses import dataclass

from stretto import Agent, Orchestrator, pipeline, tool
from stretto.orchestrator.plan import Plan, PlannedTask
from stretto.testing import ScriptedModel, call, say


@tool
async def look(box: int) -> str:
    """Look into a box."""
    return f"Box {box} holds key K-{box * 7919}. " + "The lid is scratched, 箱の蓋に傷がある. " * 8


@tool
async def dump() -> str:
    """Everything."""
    return "straw e\\u0301 \\u202eרחוב\\u202c\\n" * 9_000


def script(request):
    if request.messages[0].text.startswith("You keep the memory"):
        return say("Boxes were looked into.")
    last = request.messages[-1].parts[0]
    box = re.match(r"Box (\\d+)", getattr(last, "content", ""))
    if box is None and hasattr(last, "content"):
        return call("look", box=1) if "straw" in last.content else say(last.content)
    if box is None:
        return call("dump")
    return call("look", box=int(box[1]) + 1) if int(box[1]) < 40 else call("recall_earlier", query="key in box 5")


explorer = Agent(ScriptedModel(script, window=8_000), "You look into boxes.", name="explorer", tools=[look, dump],
                 max_turns=100)


@dataclass
class Trip:
    goal: str
    city: str


trips = Agent(ScriptedModel(lambda request: say("ok")), "Plan trips.", name="trips", input=Trip, settings={"max_tokens": 99})


def planner(brief):
    return Plan((PlannedTask("one", "See it.", "trips", inputs={"city": "京都\\u200f", "secret": "MARK"}),))


boss = Orchestrator(planner=planner, workers=[trips], name="boss")


def loud(text: str) -> str:
    return text.upper()


def shorten(text: str) -> str:
    return text[: len(text) // 2]


hops = pipeline(loud, shorten)
'''


@pytest.fixture(autouse=True)
def agents(shell: Shell) -> None:
    (shell.folder / "agents.py").write_text(AGENTS, encoding="utf-8")


@pytest.mark.capability(69, 142)
def test_a_tasks_context_is_what_was_sent_and_what_was_left_out(shell: Shell) -> None:
    shell("run", "agents.py:boss", "go", "--id", "b")
    by_name = shell("show", "b", "--context", "one", "--json").json
    (task,) = by_name
    (request,) = task["requests"]
    assert [message["parts"] for message in request["messages"]] == [
        [{"text": "Plan trips."}],
        [{"text": '{"city":"京都\u200f","goal":"See it."}'}],
    ]
    assert (request["model"], request["tools"], request["settings"]) == ("test:scripted", [], {"max_tokens": 99})
    assert task["left_out"] == [{"what": "not declared", "name": "secret", "value": "MARK"}]
    assert shell("show", "b", "--context", str(request["step"]), "--json").json == by_name
    told = shell("show", "b", "--context", "one").out
    assert '--- user\n{"city":"京都\u200f","goal":"See it."}\n' in told, "byte for byte"
    assert '=== left out: {"name":"secret","value":"MARK","what":"not declared"}' in told


@pytest.mark.capability(65, 66, 69)
def test_what_compaction_took_out_is_told(shell: Shell) -> None:
    killed = shell("run", "agents.py:explorer", "look", "--id", "e", STRETTO_FAULT="300:kill")
    assert killed.code == -9
    ended = shell("run", "agents.py:explorer", "look", "--id", "e", "--json")
    assert "K-39595" in ended.json["output"]
    (task,) = shell("show", "e", "--context", "explorer", "--json").json
    first, last = task["requests"][0], task["requests"][-1]
    assert last["messages"][:2] == first["messages"]
    assert {tool["name"] for tool in last["tools"]} == {"look", "dump", "recall_earlier", "read_more"}
    left = {one["what"]: one for one in task["left_out"]}
    assert left["the rest of a result"]["of"] == 9_000 * 16
    assert len(left["older messages"]["replaced"]) > 5
    steps = shell("show", "e", "--json").json
    assert steps[[step["step"] for step in steps].index(left["older messages"]["step"])]["name"] == "compaction"
    whole = shell("show", "e", "--step", str(left["older messages"]["step"]), "--json").json
    assert whole["result"]["replaced"] == left["older messages"]["replaced"]
    told = shell("show", "e", "--context", "explorer").out
    assert "straw e\u0301 \u202eרחוב\u202c\n" in told


def test_a_context_of_nothing_is_refused_with_what_there_is(shell: Shell) -> None:
    shell("run", "agents.py:boss", "go", "--id", "b")
    missing = shell("show", "b", "--context", "two")
    assert missing.code == 2
    assert "has no task 'two'" in missing.err
    assert "one" in missing.err


@pytest.mark.capability(70)
def test_a_missing_field_is_named_before_any_call(shell: Shell) -> None:
    ended = shell("run", "agents.py:trips", "--input", json.dumps({"goal": "x"}), "--id", "t")
    assert ended.code != 0
    assert "city" in ended.err
    assert shell("show", "t").code == 2, "there is no such run"


@pytest.mark.capability(143)
def test_facts_that_were_lost_are_named_with_the_task_that_lost_them(shell: Shell) -> None:
    shell("run", "agents.py:hops", 'code 4711, café, 京都; then "much more" and Rome', "--id", "h")
    facts = [word for fact in ("Code 4711", "café", "京都", '"much more"', "Rome", "Oslo") for word in ("--fact", fact)]
    whole, loud, shorten = shell("show", "h", *facts, "--json").json
    assert (loud["name"], loud["score"], loud["lost"]) == ("loud", 1.0, [])
    assert (shorten["name"], shorten["kept"], shorten["score"]) == ("shorten", ["Code 4711", "café", "京都"], 0.6)
    assert shorten["lost"] == whole["lost"] == ['"much more"', "Rome"]
    told = shell("show", "h", *facts).out
    assert 'shorten: 3 of 5 kept; lost: "much more", Rome' in told
    shell("run", "agents.py:explorer", "look", "--id", "e")
    hops = shell("show", "e", "--fact", "Box 5 holds key K-39595", "--json").json
    assert [hop["score"] for hop in hops if hop["kind"] == "summary" and hop["given"]] == [0.0]
