"""Repeated until it is good, at most so often; then another way is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stretto import UsageError, loop, run, start, workflow


@dataclass
class Verdict:
    ok: bool
    reason: str = ""


def add(text: str) -> str:
    return f"{text}x"


def give_up(text: str) -> str:
    return f"gave up at {text}"


@pytest.mark.capability(39)
@pytest.mark.parametrize(("length", "output"), [(1, "x"), (3, "xxx"), (5, "xxxxx"), (6, "gave up at xxxxx")])
def test_it_runs_until_the_condition_or_takes_the_declared_exit(length: int, output: str) -> None:
    done = start(loop(add, until=lambda text: len(text) >= length, max=5, otherwise=give_up), "", db=":memory:")
    assert done.output == output
    assert len([task for task in done.tasks if task.worker == "add"]) == min(length, 5)


@pytest.mark.capability(39)
def test_the_critics_verdict_goes_back_with_the_draft() -> None:
    given: list[Any] = []

    @workflow
    def write(task: Any) -> str:
        given.append(task)
        return f"draft {len(given)}"

    def check(draft: str) -> Verdict:
        return Verdict(draft == "draft 3", f"{draft} is dull")

    done = start(loop(write, check, until=lambda verdict: verdict.ok, max=5), "tea", db=":memory:")
    assert done.output == "draft 3"
    assert given == [
        "tea",
        {"task": "tea", "draft": "draft 1", "feedback": {"ok": False, "reason": "draft 1 is dull"}},
        {"task": "tea", "draft": "draft 2", "feedback": {"ok": False, "reason": "draft 2 is dull"}},
    ]
    assert [task.label for task in done.tasks if task.worker == "check"] == ["round 1", "round 2", "round 3"]


def test_without_another_way_the_last_draft_comes_out() -> None:
    assert start(loop(add, until=lambda text: False, max=2), "", db=":memory:").output == "xx"


def test_a_loop_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="max=0"):
        loop(add, until=bool, max=0)


@pytest.mark.capability(39)
def test_a_check_and_the_exit_may_ask_for_task_draft_and_feedback() -> None:
    def add(task: Any) -> str:
        return "x" if isinstance(task, str) else task["draft"] + "x"

    def check(draft: str, task: str) -> str:
        return f"{draft} is not {task}"

    def leave(task: str, draft: str, feedback: str | None) -> str:
        return f"{task}: {draft}; {feedback}"

    bounded = loop(add, check, until=lambda verdict: False, max=2, otherwise=leave)
    assert run(bounded, "tea", db=":memory:") == "tea: xx; xx is not tea"
    alone = loop(lambda draft: draft + "x", until=lambda draft: False, max=2, otherwise=leave)
    assert run(alone, "tea", db=":memory:") == "tea: teaxx; None"
