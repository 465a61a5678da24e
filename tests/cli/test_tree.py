"""The tree of a run as lines: what is shown, what is folded, and what never is."""

import pytest

from stretto.app.gaps import Gaps
from stretto.app.progress import progress
from stretto.cli.tree import Line, lines
from stretto.core.canonical import encode
from stretto.core.events import (
    Asked,
    Decided,
    Encoded,
    Event,
    Row,
    RunResumed,
    RunStarted,
    StepDone,
    StepIntended,
    TaskFailed,
    TaskFinished,
    TaskStarted,
    write,
)
from stretto.runtime.recording import task_key
from stretto.runtime.view import View

SECOND = 1_000_000


class Story:
    """A run told event by event, one second each."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.says(RunStarted("boss", "goal"), "0")
        self.root = self.begins("0", "boss", "")

    def says(self, event: Event, scope: str, ident: str = "", seconds: int = 1) -> None:
        seq = len(self.rows)
        time = (self.rows[-1].time if self.rows else 0) + seconds * SECOND
        self.rows.append(Row("r", seq, time, 1, scope, event.kind, ident, write(event)[0], "", ""))

    def begins(self, scope: str, worker: str, label: str) -> str:
        ident = f"task {worker} {label}"
        self.says(TaskStarted(worker, task_key(scope, ident), "x", label), scope, ident)
        return task_key(scope, ident)

    def ends(self, scope: str, worker: str, label: str) -> None:
        self.says(TaskFinished("done"), scope, f"task {worker} {label}")

    def fails(self, scope: str, worker: str, label: str) -> None:
        self.says(TaskFailed({"error": "it broke"}), scope, f"task {worker} {label}")

    def shown(self, room: int = 50, *, whole: bool = False) -> list[Line]:
        return lines(View(self.rows), Gaps(self.rows), self.rows[-1].time, room, whole=whole)


def names(shown: list[Line]) -> list[str]:
    return [f"{'  ' * line.depth}{line.sign} {line.name} {line.detail}".rstrip() for line in shown]


@pytest.mark.capability(191)
def test_running_done_failed_and_planned_tasks_have_their_signs() -> None:
    story = Story()
    tasks = [{"id": name, "worker": "write", "goal": ""} for name in ("one", "two", "three", "four")]
    story.says(Decided("plan", Encoded(encode({"tasks": tasks}))), story.root, "plan")
    for label in ("one", "two", "three"):
        story.begins(story.root, "write", label)
    story.ends(story.root, "write", "one")
    story.fails(story.root, "write", "two")
    assert names(story.shown()) == [
        "● boss x",
        "  ✓ write one",
        "  ✗ write it broke",
        "  ● write three",
        "  ○ write four",
    ]
    assert progress(View(story.rows)) == (1, 4)


def test_what_is_done_is_folded_unless_the_whole_is_wanted() -> None:
    story = Story()
    inner = story.begins(story.root, "outer", "")
    story.begins(inner, "inner", "")
    story.ends(inner, "inner", "")
    story.ends(story.root, "outer", "")
    assert names(story.shown()) == ["● boss x", "  ✓ outer x"]
    assert names(story.shown(whole=True)) == ["● boss x", "  ✓ outer x", "    ✓ inner x"]


def test_many_tasks_are_counted_and_the_rest_is_cut() -> None:
    story = Story()
    for number in range(100):
        story.begins(story.root, "work", str(number))
        if number % 2:
            story.ends(story.root, "work", str(number))
    shown = names(story.shown(10))
    assert len(shown) == 10
    assert shown[:3] == ["● boss x", "  ● work 0", "  ✓ 50 tasks done"]
    assert shown[-1] == "… 43 more"


def test_questions_and_steps_in_flight_stand_below_their_task() -> None:
    story = Story()
    story.says(StepIntended("tool", "pay", {"to": "x"}), story.root, "tool pay")
    story.says(Asked("w1", "approval", "its risk is high", "pay", to="cfo"), story.root, "ask")
    assert names(story.shown()) == ["? boss x", "  ● pay tool", "  ? approve pay? its risk is high · to cfo"]


def test_money_and_tokens_add_up_to_the_root() -> None:
    story = Story()
    inner = story.begins(story.root, "write", "")
    done = StepDone("model", "m", "answer", usage=(1000, 500, 0, 0), cost="0.25", model="m")
    story.says(done, inner, "model m 1")
    root, write_task = story.shown()
    assert (root.tokens, root.money) == (write_task.tokens, write_task.money) == ("1.5k", "$0.25")


def test_time_without_a_process_does_not_count() -> None:
    story = Story()
    story.says(RunResumed(), "0", seconds=10_000)
    story.ends("0", "boss", "")
    (root,) = story.shown()
    assert root.took == "1.0 s"


def test_a_label_of_others_stays_on_its_line() -> None:
    story = Story()
    story.begins(story.root, "write", "one\ntwo \x1b[31m" + "x" * 200)
    line = story.shown()[1]
    assert "\n" not in line.detail
    assert "\x1b" not in line.detail
    assert len(line.detail) <= 48
