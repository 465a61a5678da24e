"""Commands that look at runs and workers and change nothing."""

import json

import pytest

from tests.cli.conftest import Shell, until


def test_status_shows_the_tree_the_plan_and_what_is_open(shell: Shell) -> None:
    shell("run", "workers.py:boss", "go", "--id", "b")
    told = shell("status", "b").out
    assert "plan     100%, 2 of 2 done" in told
    assert "✓ shout  one" in told
    whole = shell("status", "b", "--json").json
    assert whole["progress"] == {"done": 2, "total": 2, "percent": 100}
    assert [(task["worker"], task["label"], task["state"]) for task in whole["tasks"]][2:] == [
        ("shout", "one", "done"),
        ("shout", "two", "done"),
    ]


def test_status_of_a_waiting_run_says_how_to_answer(shell: Shell) -> None:
    shell("run", "workers.py:writing", "a", "--id", "w")
    told = shell("status", "w").out
    assert "? approve write_file?" in told
    assert "stretto approve w" in told


@pytest.mark.capability(126)
def test_show_numbers_what_was_done_and_shows_each_whole(shell: Shell) -> None:
    shell("run", "workers.py:shout", "a b", "--id", "s")
    steps = shell("show", "s", "--json").json
    tools = [step for step in steps if step["kind"] == "tool"]
    assert [step["name"] for step in tools] == ["look_up", "look_up"]
    whole = shell("show", "s", "--step", str(tools[0]["step"]), "--json").json
    assert (whole["request"], whole["result"]) == ({"word": "a"}, "A")
    assert 'request      {"word":"a"}\nresult       "A"' in shell("show", "s", "--step", str(tools[0]["step"])).out
    missing = shell("show", "s", "--step", "999")
    assert (missing.code, "`stretto show s`" in missing.err) == (2, True)


def test_show_says_lists_and_truth_as_json_has_them(shell: Shell) -> None:
    given = '[{"a": true, "b": null}]'
    (shell.folder / "count.py").write_text(
        "from stretto import tool, workflow\n\n\n@tool\ndef size(rows: list[dict], all: bool) -> int:\n"
        "    return len(rows)\n\n\n@workflow\nasync def count(rows: list[dict]) -> int:\n"
        "    return await size(rows, all=True)\n"
    )
    shell("run", "count.py:count", "--input", given, "--id", "c")
    task, step = shell("show", "c", "--json").json
    assert (task["about"], step["about"]) == ('[{"a":true,"b":null}]', 'all=true, rows=[{"a":true,"b":null}]')


def test_show_of_a_question_has_who_answered_what(shell: Shell) -> None:
    shell("run", "workers.py:writing", "a", "--id", "w")
    (asked,) = shell("approvals", "w", "--json").json
    shell("approve", "w", "--by", "ada")
    whole = shell("show", "w", "--step", str(asked["step"]), "--json").json
    assert whole["request"]["digest"] == asked["digest"]
    assert (whole["result"]["decision"], whole["result"]["by"]) == ("approve", "ada")


@pytest.mark.capability(127, 184)
def test_why_of_a_failure_leads_from_the_error_to_the_root(shell: Shell) -> None:
    shell("run", "workers.py:failing", "x", "--id", "f")
    reasons = shell("why", "f", "--json").json
    assert (reasons["kind"], reasons["error"]) == ("ValueError", "no such thing: x")
    assert [(level["worker"], level["input"]) for level in reasons["chain"]] == [("broken", "x"), ("failing", "x")]
    told = shell("why", "f").out
    assert "ValueError: no such thing: x" in told
    assert "stretto resume f" in told


def test_why_tells_what_was_tried_again_from_what_failed_for_good(shell: Shell) -> None:
    (shell.folder / "calls.py").write_text(
        "from stretto import tool, workflow\n\n\n@tool(retry=1)\ndef call(number: str) -> str:\n"
        "    raise ConnectionError('engaged')\n\n\n@workflow\nasync def ring(number: str) -> str:\n"
        "    try:\n        return await call(number)\n    except ConnectionError:\n        return 'nobody'\n"
    )
    assert shell("run", "calls.py:ring", "1", "--id", "r").out == "nobody\n"
    reasons = shell("why", "r", "--json").json
    assert [(one["what"], one["error"]) for one in reasons["retries"]] == [("tool call", "engaged")]
    assert [(one["what"], one["error"]) for one in reasons["failures"]] == [("tool call", "engaged")]
    assert reasons["retries"][0]["step"] < reasons["failures"][0]["step"]
    told = shell("why", "r").out
    assert told.index("\nretries\n") < told.index("\nfailed\n")


def test_why_of_a_wait_says_for_what_since_when_and_how_to_answer(shell: Shell) -> None:
    shell("run", "workers.py:asking", "cars", "--id", "q")
    told = shell("why", "q").out
    assert "Which colour? · to designers" in told
    assert "asked in asking" in told
    assert "stretto approve q" in told


@pytest.mark.capability(184)
def test_why_of_an_output_says_what_fed_it_and_what_was_gained(shell: Shell) -> None:
    shell("run", "workers.py:boss", "go", "--id", "b")
    told = shell("why", "b").out
    assert "two < one" in told
    assert "at once" in told
    reasons = shell("why", "b", "--json").json
    assert reasons["time"].keys() == {"whole", "busy", "work", "at_once"}


@pytest.mark.capability(123, 192)
def test_exports_can_be_verified_and_a_changed_one_is_found_out(shell: Shell) -> None:
    shell("run", "workers.py:shout", "a", "--id", "s")
    exported = shell("export", "s").out
    assert json.loads(exported.splitlines()[0])["kind"] == "run_started"
    path = shell.folder / "s.jsonl"
    path.write_text(exported)
    assert shell("audit", "verify", "s.jsonl").code == 0
    path.write_text(exported.replace("look_up", "look_in"))
    changed = shell("audit", "verify", "s.jsonl", "--json")
    assert (changed.code, changed.json["ok"]) == (1, False)
    assert "does not match its hash" in changed.json["runs"][0]["problem"]
    path.write_text("")
    assert shell("audit", "verify", "s.jsonl").code == 1


def test_a_run_may_be_drawn_and_a_worker_too(shell: Shell) -> None:
    shell("run", "workers.py:boss", "go", "--id", "b")
    run, worker = shell("graph", "b").out, shell("graph", "workers.py:boss").out
    assert run.startswith("flowchart LR")
    assert '["✓ shout<br/>one<br/>' in run
    assert worker.startswith("flowchart LR")
    assert '"boss · orchestrator"' in worker
    assert '"shout<br/>workflow<br/>tools: look_up"' in worker


def test_a_plan_is_shown_and_nothing_is_done(shell: Shell) -> None:
    assert "two  shout  < one" in shell("plan", "workers.py:boss", "go").out
    assert [task["id"] for task in shell("plan", "workers.py:boss", "go", "--json").json["tasks"]] == ["one", "two"]
    assert shell.effects() == []
    assert not (shell.folder / ".stretto").exists()
    assert shell("plan", "workers.py:shout", "go").code == 2


@pytest.mark.capability(79)
def test_tools_are_listed_with_risk_and_effect(shell: Shell) -> None:
    assert "write_file  medium  idempotent" in shell("tools", "workers.py:writing").out
    names = [tool["name"] for tool in shell("tools", "workers.py:writing", "--json").json]
    assert names == ["write_file", "pay", "slow_pay", "look_up"]


@pytest.mark.capability(13, 79)
def test_a_whole_file_has_the_prompts_and_tools_of_all_its_workers(shell: Shell) -> None:
    (shell.folder / "agents.py").write_text(
        "from stretto import Agent, tool\n\n\n@tool\ndef search(q: str) -> str:\n    return q\n\n\n"
        "one = Agent('test:', 'You look.', name='one', tools=[search])\n"
        "two = Agent('test:', 'You write.', name='two', tools=[search])\n"
    )
    told = shell("prompts", "agents.py").out
    assert "You look." in told
    assert "You write." in told
    told = shell("tools", "agents.py").out
    assert "search  low" in told
    assert "(one, two)" in told, "a tool that two workers have is named with both"


def test_the_list_is_newest_first_and_may_be_of_one_state(shell: Shell) -> None:
    assert shell("list", "--json").json == []
    assert not (shell.folder / ".stretto").exists()
    shell("run", "workers.py:shout", "a", "--id", "first")
    shell("run", "workers.py:writing", "a", "--id", "second")
    assert [run["id"] for run in shell("list", "--json").json] == ["second", "first"]
    assert [run["id"] for run in shell("list", "--json", "--state", "waiting").json] == ["second"]


def test_a_replay_finds_the_first_difference(shell: Shell) -> None:
    (shell.folder / "drift").write_text("one.txt")
    shell("run", "workers.py:drifting", "x", "--id", "d", "--approve", "write_file")
    assert shell("replay", "d", "--json").json["same"] is True
    (shell.folder / "drift").write_text("two.txt")
    assert shell("replay", "d").code == 4
    assert shell.effects() == ["write one.txt"]


@pytest.mark.capability(183)
def test_a_fork_does_only_what_comes_after(shell: Shell) -> None:
    shell("run", "workers.py:failing", "x", "--id", "f")
    (shell.folder / "mended").touch()
    tool = next(step["step"] for step in shell("show", "f", "--json").json if step["kind"] == "tool")
    forked = shell("fork", "f", "--at", str(tool), "--json")
    assert (forked.code, forked.json["output"]) == (0, "mended")
    assert forked.json["id"] != "f"
    assert shell.effects() == ["look up x"]


def test_a_cancelled_run_is_over(shell: Shell) -> None:
    shell("run", "workers.py:writing", "a", "--id", "w")
    assert shell("cancel", "w", "--reason", "enough", "--json").json["state"] == "cancelled"
    assert shell("cancel", "w").code == 2
    assert shell("resume", "w").code == 1
    assert shell("approvals", "--json").json == []


@pytest.mark.parametrize("command", ["status", "show", "why", "export", "resume", "cancel", "approvals", "approve"])
def test_an_unknown_run_is_a_usage_error(shell: Shell, command: str) -> None:
    assert shell(command, "nobody").code == 2
    assert not (shell.folder / ".stretto").exists()


@pytest.mark.capability(127)
def test_why_of_a_nested_failure_has_the_step_its_input_and_what_fed_it(shell: Shell) -> None:
    (shell.folder / "nested.py").write_text(NESTED)
    shell("run", "nested.py:whole", "x", "--id", "n")
    reasons = shell("why", "n", "--json").json
    assert (reasons["kind"], reasons["error"]) == ("KeyError", "X+")
    assert (reasons["step"]["kind"], reasons["step"]["name"], reasons["step"]["request"]) == (
        "tool",
        "find",
        {"key": "X+"},
    )
    assert [level["worker"] for level in reasons["chain"]] == ["inner", "outer", "whole"]
    assert [(one["kind"], one["name"], one["result"]) for one in reasons["fed"]] == [
        ("task", "prepare", "X"),
        ("tool", "mark", "X+"),
    ]
    told = shell("why", "n").out
    assert "tool find, step" in told
    assert "fed   task prepare, step" in told


NESTED = '''
from stretto import gather, pipeline, tool, workflow


@tool
async def mark(text: str) -> str:
    """Mark a text."""
    return text + "+"


@tool
async def find(key: str) -> str:
    """Find something."""
    raise KeyError(key)


@workflow
def prepare(text: str) -> str:
    return text.upper()


@workflow
async def inner(text: str) -> str:
    return await find(await mark(text))


@workflow
async def beside(text: str) -> str:
    return text


@workflow
async def outer(text: str) -> str:
    return str(await gather(inner(text), beside(text)))


whole = pipeline(prepare, outer, name="whole")
'''


@pytest.mark.capability(6)
def test_status_from_another_process_has_the_state_of_each_task_and_percentages(shell: Shell) -> None:
    (shell.folder / "staged.py").write_text(STAGED)
    running = shell.begin("run", "staged.py:boss", "go", "--id", "b")
    until(lambda: (shell.folder / "second").exists())
    whole = shell("status", "b", "--json").json
    told = shell("status", "b").out
    (shell.folder / "go").touch()
    running.communicate(timeout=60)
    states = {task["label"]: task["state"] for task in whole["tasks"]}
    assert (states["one"], states["two"], states["three"]) == ("done", "running", "planned")
    assert whole["progress"] == {"done": 1, "total": 3, "percent": 33}
    assert whole["tasks"][0]["progress"]["percent"] == 33
    assert "plan     33%, 1 of 3 done" in told
    assert shell("status", "b", "--json").json["progress"]["percent"] == 100


STAGED = """
import asyncio
from pathlib import Path

from stretto import Orchestrator, workflow
from stretto.orchestrator.plan import Brief, Plan, PlannedTask


@workflow
async def work(text: str) -> str:
    if "two" in text:
        Path("second").touch()
        while not Path("go").exists():
            await asyncio.sleep(0.02)
    return text


@workflow
def planner(brief: Brief) -> Plan:
    names = ["one", "two", "three"]
    return Plan(tuple(PlannedTask(name, name, "work", after=tuple(names[at - 1 : at])) for at, name in enumerate(names)))


boss = Orchestrator(workers=[work], planner=planner, name="boss")
"""


@pytest.mark.capability(113, 114, 128)
def test_the_timeline_has_a_bar_for_each_task_and_says_what_was_slow(shell: Shell) -> None:
    shell("run", "workers.py:boss", "go", "--id", "b")
    told = shell("timeline", "b", "--steps").out
    for said in ("wall time", "gain", "shout two", "tool look_up", "slowest steps"):
        assert said in told
    plain = shell("timeline", "b", PYTHONIOENCODING="ascii").out
    assert plain.isascii()
    whole = shell("timeline", "b", "--json").json
    assert {lane["label"] for lane in whole["lanes"]} >= {"one", "two"}
    assert whole["time"].keys() == {"wall", "busy", "steps", "work", "at_once", "by_kind"}
    assert shell("timeline", "nobody").code == 2


@pytest.mark.capability(131)
def test_a_graph_is_written_as_svg_or_given_as_data(shell: Shell) -> None:
    shell("run", "workers.py:boss", "go", "--id", "b")
    assert shell("graph", "b", "-o", "b.svg").code == 0
    assert (shell.folder / "b.svg").read_text().startswith("<svg ")
    assert shell("graph", "workers.py:boss", "--format", "svg").out.startswith("<svg ")
    data = shell("graph", "b", "--json").json
    assert {node["state"] for node in data["nodes"]} == {"done"}
    assert data["mermaid"].startswith("flowchart")
    assert shell("graph", "b", "-o", "no/such/folder/b.svg").code == 2
    assert "nor is it the id of a run" in shell("graph", "nope").err


@pytest.mark.capability(200)
def test_a_pruned_run_says_so_wherever_it_is_looked_at(shell: Shell) -> None:
    shell("run", "workers.py:shout", "a", "--id", "old")
    shell("prune", "--older-than", "0s", "--by", "ada")
    for command in ("show", "status", "why", "timeline"):
        told = shell(command, "old")
        assert (told.code, "run old was pruned" in told.err) == (2, True), command
    shell("run", "workers.py:shout", "b", "--id", "new")
    assert [(run["id"], run["pruned"]) for run in shell("list", "--json").json] == [("new", False), ("old", True)]
    assert [line.endswith("pruned") for line in shell("list").out.splitlines()] == [False, True]


@pytest.mark.capability(103, 179)
def test_a_run_in_doubt_says_so_with_the_call(shell: Shell) -> None:
    (shell.folder / "mail.py").write_text(
        "from stretto import tool, workflow\n\n\n@tool(effect='once')\ndef send(to: str) -> str:\n"
        "    raise ConnectionError('the line broke')\n\n\n@workflow\nasync def post(to: str) -> str:\n"
        "    return await send(to)\n"
    )
    assert shell("run", "mail.py:post", "bo", "--id", "p").code == 3
    assert "send(to=bo) is in doubt" in shell("status", "p").out
