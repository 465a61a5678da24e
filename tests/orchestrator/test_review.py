"""Results are reviewed before they are used; what fails is planned anew, and what is finished stays."""

import json
from collections import Counter
from typing import Any

import pytest

from stretto import Agent, Orchestrator, Run, Verdict, start, tool, workflow
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer
from stretto.testing import FakeProvider, say
from tests.orchestrator.test_planning import start_at

Tasks = list[dict[str, Any]]


def tasks_of(job: Run, *workers: str) -> list[tuple[str, str]]:
    return [(task.worker, task.state) for task in job.tasks if not workers or task.worker in workers]


# ---- review


@pytest.mark.capability(7)
def test_a_rejected_draft_is_redone_with_what_was_wrong() -> None:
    def think(request: ModelRequest) -> Answer:
        told, asked = request.messages[0].text, request.messages[-1].text
        if told.startswith("You plan"):
            return say({"tasks": [{"id": "text", "worker": "write", "goal": "Write", "accept": "has a number"}]})
        if told.startswith("You review"):
            good = "42" in json.loads(asked)["result"]
            return say({"ok": good, "reason": "" if good else "there is no number in it"})
        if told == "You write.":
            return say("draft with 42" if "there is no number in it" in asked else "draft without")
        return say("whole")

    with FakeProvider(think) as fake:
        job = start_at(fake, Orchestrator("openai:x", [Agent("openai:x", "You write.", name="write")]), "a text")
        asked = [one.request for one in fake.received if one.request.messages[0].text == "You write."]
    assert job.output == "whole"
    outputs = [task.output for task in job.tasks if task.worker in ("write", "orchestrator.review")]
    assert outputs == [
        "draft without",
        {"ok": False, "reason": "there is no number in it"},
        "draft with 42",
        {"ok": True, "reason": ""},
    ]
    assert [request.messages[-1].text for request in asked] == [
        "Write",
        '{"draft":"draft without","feedback":"there is no number in it","goal":"Write"}',
    ]


@pytest.mark.parametrize(
    "says", [lambda r: r == "better", lambda r: "" if r == "better" else "too short"], ids=["no", "why"]
)
def test_a_rule_may_review_and_every_worker_hears_of_it(says: Any) -> None:
    def text(task: str) -> str:
        return "better" if '"draft":"draft"' in task else "draft"

    def goal_only(goal: str) -> str:
        return "better" if "Your last result was not accepted: " in goal else "draft"

    def fields(goal: str, topic: str) -> str:
        return "better" if "Your last result was not accepted: " in goal else "draft"

    def heard(topic: str, feedback: str = "") -> str:
        return "better" if feedback in ("too short", "no reason was given") else "draft"

    def planner(goal: str) -> Tasks:
        names = ("text", "goal_only", "fields", "heard")
        return [{"id": name, "worker": name, "inputs": {} if name == "text" else {"topic": "x"}} for name in names]

    job = start(
        Orchestrator(workers=[text, goal_only, fields, heard], planner=planner, reviewer=says), "do", db=":memory:"
    )
    assert set(job.output.values()) == {"better"}
    assert len(tasks_of(job, *job.output)) == 8


@pytest.mark.capability(100)
def test_what_stays_rejected_blocks_all_that_needs_it() -> None:
    used: list[str] = []

    def bad(goal: str) -> str:
        return "wrong"

    def use(results: dict[str, str]) -> str:
        used.append("used")
        return "used"

    def planner(goal: str) -> Tasks:
        return [{"id": "a", "worker": "bad"}, {"id": "b", "worker": "use", "after": ["a"]}]

    boss = Orchestrator(workers=[bad, use], planner=planner, reviewer=lambda result: Verdict(result != "wrong", "no"))
    job = start(boss, "x", db=":memory:")
    assert job.state == "failed"
    assert job.error == "orchestrator failed: the result was rejected: no"
    assert used == []


@pytest.mark.capability(100)
def test_a_result_of_another_type_goes_nowhere() -> None:
    used: list[str] = []

    def count(goal: str) -> int:
        return "many"  # type: ignore[return-value]

    def use(results: dict[str, int]) -> str:
        used.append("used")
        return "used"

    def planner(goal: str) -> Tasks:
        return [{"id": "a", "worker": "count"}, {"id": "b", "worker": "use", "after": ["a"]}]

    job = start(Orchestrator(workers=[count, use], planner=planner), "x", db=":memory:")
    assert (job.state, used) == ("failed", [])
    assert "count broke its contract" in str(job.why()["error"])


# ---- plans anew


def steady(goal: str) -> str:
    ran["steady"] += 1
    return f"steady {goal}"


def broken(goal: str) -> str:
    ran["broken"] += 1
    raise OSError("the API is gone")


def spare(goal: str) -> str:
    ran["spare"] += 1
    return f"spare {goal}"


def join(results: dict[str, str]) -> str:
    return " + ".join(results.values())


ran: Counter[str] = Counter()
FIRST: Tasks = [
    {"id": "a", "worker": "steady", "goal": "one"},
    {"id": "b", "worker": "broken", "goal": "two"},
    {"id": "c", "worker": "join", "after": ["a", "b"], "goal": "join"},
]
SECOND: Tasks = [FIRST[0], {**FIRST[1], "worker": "spare"}, FIRST[2]]


def goes_round(goal: str, problems: list[dict[str, Any]]) -> Tasks:
    return SECOND if problems else FIRST


def same_again(goal: str) -> Tasks:
    return FIRST


@pytest.mark.capability(8)
def test_only_what_failed_is_replaced_and_what_is_finished_stays() -> None:
    ran.clear()
    job = start(Orchestrator(workers=[steady, broken, spare, join], planner=goes_round), "x", db=":memory:")
    assert job.output == "steady one + spare two"
    assert job.plan is not None
    assert job.plan.version == 2
    assert [task.worker for task in job.plan.tasks] == ["steady", "spare", "join"]
    assert ran == {"steady": 1, "broken": 1, "spare": 1}
    assert [plan["version"] for plan in job.why()["plans"]] == [1, 2]


@pytest.mark.capability(8, 98)
def test_the_model_that_plans_anew_is_given_the_failure() -> None:
    told: list[Any] = []

    def think(request: ModelRequest) -> Answer:
        if request.messages[0].text.startswith("You plan"):
            told.append(json.loads(request.messages[-1].text))
            return say({"tasks": SECOND if told[-1]["problems"] else FIRST})
        return say("whole " + request.messages[-1].text)

    ran.clear()
    flaky = workflow(name="broken", retry=2)(broken)
    with FakeProvider(think) as fake:
        job = start_at(fake, Orchestrator("openai:x", [steady, flaky, spare, join], name="boss"), "x")
    assert job.state == "done"
    assert ran == {"steady": 1, "broken": 3, "spare": 1}
    assert told[1]["problems"] == [
        {"task": "b", "worker": "broken", "error": "the API is gone", "input": "two", "attempts": 3, "kind": "OSError"}
    ]
    assert told[1]["finished"] == {"a": "steady one"}
    assert told[1]["before"]["tasks"][1]["worker"] == "broken"


def test_a_replay_takes_the_same_way_through_all_versions(tmp_path: Any) -> None:
    ran.clear()
    boss = Orchestrator(workers=[steady, broken, spare, join], planner=goes_round)
    job = start(boss, "x", db=str(tmp_path / "runs.db"))
    assert job.replay() == job.output == "steady one + spare two"


def test_a_planner_without_another_plan_does_not_go_on_for_ever() -> None:
    ran.clear()
    job = start(Orchestrator(workers=[steady, broken, join], planner=same_again, max_plans=9), "x", db=":memory:")
    assert job.state == "failed"
    assert job.error == "orchestrator failed: the API is gone"
    assert ran == {"steady": 1, "broken": 2}, "the same plan may work once more, not again and again"
    assert [level["error"] for level in job.why()["chain"]][1] == "gave up: same_again has no other plan"


def test_a_planner_may_say_that_there_is_no_other_way() -> None:
    ran.clear()

    def gives_up(goal: str, problems: list[Any]) -> Tasks | None:
        return None if problems else FIRST

    job = start(Orchestrator(workers=[steady, broken, join], planner=gives_up), "x", db=":memory:")
    assert (job.state, job.error) == ("failed", "orchestrator failed: the API is gone")
    assert ran == {"steady": 1, "broken": 1}


def test_the_number_of_plans_is_bounded() -> None:
    ran.clear()

    def stubborn(goal: str, before: Any = None) -> Tasks:
        return [{"id": f"try{before['version'] if before else 0}", "worker": "broken"}]

    job = start(Orchestrator(workers=[broken], planner=stubborn, max_plans=4), "x", db=":memory:")
    assert (job.state, ran["broken"]) == ("failed", 4)
    assert job.why()["chain"][1]["error"] == "gave up: after 4 plans"
    assert [plan["version"] for plan in job.why()["plans"]] == [1, 2, 3, 4]


def test_what_a_person_said_no_to_is_not_asked_again_by_the_same_plan() -> None:
    @tool(risk="high")
    def pay(goal: str) -> str:
        raise AssertionError("nobody agreed")

    def planner(goal: str) -> Tasks:
        return [{"id": "a", "worker": "pay"}]

    job = start(Orchestrator(workers=[pay], planner=planner), "x", db=":memory:")
    job.reject(by="Ann", reason="too dear")
    assert job.state == "failed"
    assert "too dear" in job.error


def test_a_task_whose_worker_cannot_begin_is_planned_anew() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    def planner(goal: str, problems: list[dict[str, Any]]) -> Tasks:
        if problems:
            assert (
                "add cannot begin: it must be given b, and there is nothing of that name; by name there are goal, a"
                in problems[0]["error"]
            )
        return [{"id": "sum", "worker": "add", "inputs": {"a": 1, "b": 2} if problems else {"a": 1}}]

    assert start(Orchestrator(workers=[add], planner=planner), "x", db=":memory:").output == 3


@pytest.mark.parametrize("asked", [True, False], ids=["planner has no way", "planner knows nothing"])
def test_a_failed_run_tries_what_failed_when_it_is_resumed(asked: bool, tmp_path: Any) -> None:
    ran.clear()
    mended: list[bool] = []

    def says_so(goal: str, problems: list[Any]) -> Tasks | None:
        return None if problems else planner(goal)

    def mends(goal: str) -> str:
        ran["mends"] += 1
        if not mended:
            raise OSError("not yet")
        return "mended"

    def planner(goal: str) -> Tasks:
        tasks = [{"id": "a", "worker": "steady"}, {"id": "b", "worker": "mends"}, {"id": "b2", "worker": "mends"}]
        return [*tasks, {"id": "c", "worker": "join", "after": ["a", "b", "b2"]}]

    boss = Orchestrator(workers=[steady, mends, join], planner=says_so if asked else planner)
    db = str(tmp_path / "runs.db")
    job = start(boss, "x", db=db, id="r")
    before = 2 if asked else 4
    assert (job.state, ran) == ("failed", {"steady": 1, "mends": before})
    mended.append(True)
    job.resume()
    assert (job.state, job.output) == ("done", "steady x + mended + mended")
    assert ran == {"steady": 1, "mends": before + 2}


# ---- a person sees the plan


@workflow
def planned(goal: str) -> Tasks:
    return [{"id": "one", "worker": "steady", "goal": "first"}, {"id": "two", "worker": "spare", "after": ["one"]}]


asks = Orchestrator(workers=[steady, spare], planner=planned, approve_plan="Ann", name="asks")


@pytest.mark.capability(16)
def test_the_run_waits_with_the_plan_and_does_what_was_made_of_it(tmp_path: Any) -> None:
    ran.clear()
    db = str(tmp_path / "runs.db")
    job = start(asks, "x", db=db)
    (asked,) = job.approvals
    assert (job.state, asked["kind"], asked["to"]) == ("waiting", "review", "Ann")
    assert [task["id"] for task in asked["content"]["tasks"]] == ["one", "two"]
    assert ran == {}
    edit = {"tasks": [{"id": "only", "worker": "spare", "goal": "mine"}]}
    job.approve(by="Ann", edit=edit)
    assert job.output == "spare mine"
    assert ran == {"spare": 1}
    assert job.plan is not None
    assert [task.id for task in job.plan.tasks] == ["only"]


@pytest.mark.capability(16)
def test_the_tasks_alone_are_a_plan(tmp_path: Any) -> None:
    job = start(asks, "x", db=str(tmp_path / "runs.db"))
    job.approve(by="Ann", edit=[{"id": "only", "worker": "spare", "goal": "mine"}])
    assert job.output == "spare mine"
    assert job.plan is not None
    assert [task.id for task in job.plan.tasks] == ["only"]


@pytest.mark.capability(16)
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"tasks": []}, "the plan has no tasks"),
        ({"tasks": [{"id": "a", "worker": "nobody"}]}, "for worker 'nobody', who is not here"),
        ({"tasks": [{"id": "a", "worker": "spare", "after": ["z"]}]}, "waits for 'z'"),
        ({"task": 1}, "tasks: Field required"),
    ],
    ids=["empty", "nobody", "unknown need", "no plan"],
)
def test_an_edit_that_is_no_plan_is_refused_and_nothing_is_lost(edit: Any, said: str, tmp_path: Any) -> None:
    job = start(asks, "x", db=str(tmp_path / "runs.db"))
    with pytest.raises(Exception, match=said):
        job.approve(by="Ann", edit=edit)
    assert job.state == "waiting"
    job.approve(by="Ann")
    assert job.output == "spare x"


@pytest.mark.capability(16)
def test_a_rejected_plan_is_not_carried_out(tmp_path: Any) -> None:
    ran.clear()
    job = start(asks, "x", db=str(tmp_path / "runs.db"))
    job.reject(by="Ann", reason="too slow")
    assert job.state == "failed"
    assert "too slow" in job.error
    assert ran == {}


@pytest.mark.capability(16)
def test_new_tasks_of_a_later_version_are_shown_too(tmp_path: Any) -> None:
    ran.clear()
    boss = Orchestrator(workers=[steady, broken, spare, join], planner=goes_round, approve_plan=True)
    job = start(boss, "x", db=str(tmp_path / "runs.db"))
    job.approve(by="Ann")
    assert (job.state, ran) == ("waiting", {"steady": 1, "broken": 1})
    assert job.approvals[0]["prompt"].startswith("Carry out version 2 of the plan?")
    job.approve(by="Ann")
    assert job.output == "steady one + spare two"


PROGRAM = """
from stretto import Orchestrator

def steady(goal):
    return "steady " + goal

def planner(goal):
    return [{"id": "one", "worker": "steady"}]

boss = Orchestrator(workers=[steady], planner=planner, approve_plan=True, name="boss")
"""


@pytest.mark.capability(16, 55)
def test_a_plan_is_edited_on_the_command_line_by_another_process(tmp_path: Any, cli: Any) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    assert cli("run", "app.py:boss", "EV", "--id", "r").code == 3
    bad = cli("approve", "r", "--edit", '{"tasks": [{"id": "a", "worker": "stedy"}]}')
    assert bad.code == 2
    assert "the workers are steady; did you mean 'steady'?" in bad.err
    done = cli("approve", "r", "--by", "Ann", "--edit", '{"tasks": [{"id": "a", "worker": "steady", "goal": "mine"}]}')
    assert (done.code, done.out.strip()) == (0, "steady mine")


@pytest.mark.capability(16)
def test_a_no_with_a_reason_goes_to_the_planner_who_makes_another_plan(tmp_path: Any) -> None:
    def planner(goal: str, problems: list[dict[str, Any]]) -> Tasks:
        told = [problem["error"] for problem in problems]
        return [{"id": "one", "worker": "steady", "goal": told[0] if told else goal}]

    boss, db = Orchestrator(workers=[steady], planner=planner, approve_plan=True), str(tmp_path / "runs.db")
    job = start(boss, "x", db=db, id="r")
    job.reject(by="Ann", reason="too slow")
    assert job.approvals[0]["prompt"].startswith("Carry out version 2 of the plan?")
    again = start(boss, "x", db=db, id="r")  # another process
    again.approve(by="Ann")
    assert again.output == "steady the plan was rejected: too slow"
    assert again.replay() == again.output


@pytest.mark.capability(16)
def test_a_no_without_a_reason_is_the_end_of_it() -> None:
    def planner(goal: str, problems: list[dict[str, Any]]) -> Tasks:
        assert not problems
        return [{"id": "one", "worker": "steady"}]

    job = start(Orchestrator(workers=[steady], planner=planner, approve_plan=True), "x", db=":memory:")
    job.reject(by="Ann")
    assert job.state == "failed"
    assert "no reason was given" in job.error


@pytest.mark.capability(16)
def test_a_person_who_said_no_is_asked_again_when_the_run_is_resumed(tmp_path: Any) -> None:
    ran.clear()
    job = start(asks, "x", db=str(tmp_path / "runs.db"))
    job.reject(by="Ann", reason="too slow")
    assert job.state == "failed"
    job.resume()
    assert (job.state, job.approvals[0]["kind"]) == ("waiting", "review")
    job.approve(by="Ann")
    assert ran == {"steady": 1, "spare": 1}


@pytest.mark.capability(7)
def test_a_reviewing_function_may_ask_which_task_it_looks_at() -> None:
    seen = []

    def poet(goal: str) -> str:
        return "roses"

    def reviewer(task: dict[str, Any], result: str) -> bool:
        seen.append((task["id"], task["worker"], result))
        return True

    boss = Orchestrator(workers=[poet], planner=lambda goal: [{"id": "a", "worker": "poet"}], reviewer=reviewer)
    assert start(boss, "a poem", db=":memory:").output == "roses"
    assert seen == [("a", "poet", "roses")]
