"""Commands that look at runs and workers and change nothing."""

import json

import pytest

from tests.cli.conftest import Shell


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
    assert run.startswith("flowchart TD")
    assert '["shout<br/>one"]:::done' in run
    assert worker.startswith("flowchart LR")
    assert '"shout"' in worker


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
    assert not (shell.folder / ".stretto").exists() or command in ("resume", "approve", "approvals")
