"""A goal becomes a plan: by a model or by a rule, shown before anything runs, and carried out as it was shown."""

import json
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from stretto import (
    Agent,
    Brief,
    Orchestrator,
    Plan,
    PlannedTask,
    Problem,
    Run,
    UsageError,
    run,
    start,
    tool,
    workflow,
)
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer
from stretto.testing import FakeProvider, ScriptedModel, say

FOUR: list[dict[str, Any]] = [
    {"id": "market", "worker": "research", "goal": "Size of the EV market"},
    {"id": "rivals", "worker": "research", "goal": "Who sells EVs"},
    {"id": "prices", "worker": "research", "goal": "What EVs cost"},
    {"id": "report", "worker": "write", "goal": "Write it", "after": ["market", "rivals", "prices"]},
]


def think(request: ModelRequest) -> Answer:
    """Plans four tasks, does what it is told, and puts the results together."""
    told, asked = request.messages[0].text, request.messages[-1].text
    if told.startswith("You plan"):
        return say({"tasks": FOUR, "why": "three looks and a text"})
    if told.startswith("You are given a goal and the results"):
        return say("whole: " + json.loads(asked)["results"]["report"])
    return say(f"<{told} {asked if told == 'research' else 'report'}>")


def make(model: Any) -> Orchestrator:
    research = Agent(model, "research", name="research", about="looks things up")
    return Orchestrator(model, [research, Agent(model, "write", name="write")], name="boss")


def by_rule(goal: str) -> list[dict[str, Any]]:
    return FOUR


def research(goal: str) -> str:
    return f"<research {goal}>"


def write(market: str, rivals: str, prices: str) -> str:
    return "<write report>"


def whole(goal: str, results: dict[str, str]) -> str:
    return "whole: " + results["report"]


@workflow
async def written_out(goal: str) -> str:
    """The same as a plain workflow."""
    market, rivals, prices = [research_worker(task["goal"]) for task in FOUR[:3]]
    return "whole: " + await write_worker(await market, await rivals, await prices)


research_worker, write_worker = workflow(research), workflow(write)
ruled = Orchestrator(workers=[research, write], planner=by_rule, integrator=whole, name="boss")


@pytest.mark.capability(1)
def test_a_goal_becomes_typed_tasks_with_ids_workers_and_dependencies() -> None:
    with FakeProvider(think) as fake:
        job = start_at(fake, make("openai:gpt-5-mini"), "EV market report")
    assert job.plan is not None
    assert isinstance(job.plan, Plan)
    assert [(task.id, task.worker, task.after) for task in job.plan.tasks] == [
        ("market", "research", ()),
        ("rivals", "research", ()),
        ("prices", "research", ()),
        ("report", "write", ("market", "rivals", "prices")),
    ]
    assert job.plan["tasks"][3]["after"] == ("market", "rivals", "prices")
    assert job.plan.why == "three looks and a text"
    assert [task.label for task in job.tasks if task.worker == "research"] == ["market", "rivals", "prices"]


def start_at(fake: FakeProvider, worker: Any, goal: Any, **options: Any) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in fake.environment.items():
            patch.setenv(name, value)
        return start(worker, goal, db=":memory:", **options)


@pytest.mark.capability(4)
@pytest.mark.parametrize("boss", [make(ScriptedModel(think)), ruled, written_out], ids=["model", "rules", "workflow"])
def test_by_model_by_rule_or_written_out_it_is_the_same_to_its_caller(boss: Any) -> None:
    job = start(boss, "EV market report", db=":memory:")
    assert job.output == "whole: <write report>"
    assert [task.worker for task in job.tasks if task.worker in ("research", "write")] == ["research"] * 3 + ["write"]


@pytest.mark.capability(3)
@pytest.mark.parametrize(
    "assign", [lambda task: "db" if task.kind == "sql" else None, {"sql": "db"}], ids=["function", "by kind"]
)
def test_a_rule_assigns_a_task_without_asking_a_model(assign: Any) -> None:
    asked: list[str] = []

    def plan(request: ModelRequest) -> Answer:
        asked.append(request.messages[0].text[:8])
        tasks = [{"id": "rows", "goal": "how many?", "kind": "sql"}, {"id": "words", "goal": "why?", "worker": "say"}]
        return say({"tasks": tasks})

    def db(goal: str) -> str:
        return "42 rows"

    def speak(goal: str) -> str:
        return "because"

    boss = Orchestrator(
        ScriptedModel(plan),
        [db, workflow(name="say")(speak)],
        assign=assign,
        integrator=lambda results: results,
        reviewer=lambda result: True,
    )
    job = start(boss, "why so many?", db=":memory:")
    assert job.output == {"rows": "42 rows", "words": "because"}
    assert asked == ["You plan"], "one call to plan, none to choose"


@pytest.mark.parametrize(
    "planner",
    [
        lambda goal: [{"id": "a", "worker": "research"}],
        lambda goal, workers: {"tasks": [{"id": "a", "worker": workers[0]["name"]}]},
        lambda brief: Plan((PlannedTask("a", worker=brief.workers[0].name),)),
        lambda goal: (PlannedTask("a", goal, "research"),),
    ],
    ids=["dicts", "with workers", "of the brief", "tasks"],
)
def test_a_planner_is_any_function_of_the_goal_or_the_brief(planner: Any) -> None:
    assert run(Orchestrator(workers=[research], planner=planner), "EV", db=":memory:") == "<research EV>"


def test_an_annotated_planner_gets_what_it_says() -> None:
    def planner(given: Brief) -> list[PlannedTask]:
        assert isinstance(given, Brief)
        return [PlannedTask("a", str(given.goal), given.workers[0].name)]

    def picky(goal: str, problems: tuple[Problem, ...]) -> Plan:
        return Plan((PlannedTask("a", f"{goal} {len(problems)}", "research"),))

    assert run(Orchestrator(workers=[research], planner=planner), "EV", db=":memory:") == "<research EV>"
    assert run(Orchestrator(workers=[research], planner=picky), "EV", db=":memory:") == "<research EV 0>"


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ([], "planner gave no tasks; a plan needs at least one"),
        ([{"id": "a", "worker": "reserch"}], "'reserch', who is not here; the workers are research; did you mean"),
        ([{"id": "a", "worker": "research", "after": ["b"]}], "task 'a' waits for 'b', which the plan does not"),
        ([{"id": "a", "worker": "research"}] * 2, "the plan has two tasks named 'a'"),
        ([{"worker": "research"}], "planner gave no plan: tasks.0.id: Field required"),
        ("do it", "planner gave no plan"),
        (
            [{"id": "a", "worker": "research", "after": ["b"]}, {"id": "b", "worker": "research", "after": ["a"]}],
            "the plan goes in a circle: a -> b -> a",
        ),
    ],
)
def test_what_is_no_plan_is_said_so(plan: Any, said: str) -> None:
    def planner(goal: str) -> Any:
        return plan

    job = start(Orchestrator(workers=[research], planner=planner), "EV", db=":memory:")
    assert job.state == "failed"
    assert said in job.error


def test_a_model_is_told_why_its_plan_cannot_be_carried_out() -> None:
    told: list[Any] = []

    def plan(request: ModelRequest) -> Answer:
        if request.messages[0].text.startswith("You plan"):
            told.append(json.loads(request.messages[-1].text)["problems"])
            return say({"tasks": [{"id": "a", "goal": "x", "worker": "nobody" if len(told) == 1 else "research"}]})
        return say("whole")

    boss = Orchestrator(ScriptedModel(plan), [research])
    assert run(boss, "EV", db=":memory:") == "whole"
    assert told[0] == []
    assert "task 'a' is for worker 'nobody', who is not here; the workers are research" in told[1][0]["error"]


# ---- shown before anything runs

PROGRAM = """
from pathlib import Path
from stretto import Agent, Orchestrator
from stretto.testing import ScriptedModel, say

PLAN = {"tasks": [
    {"id": "look", "worker": "search", "goal": "Find rivals", "accept": "three of them"},
    {"id": "tell", "worker": "write", "goal": "Write it", "after": ["look"]},
]}

def search(goal):
    Path("effects").write_text("searched")

def think(request):
    if request.messages[0].text.startswith("You plan"):
        return say(PLAN)
    Path("effects").write_text("asked")
    return say("done")

model = ScriptedModel(think, name="openai:gpt-5-mini")
boss = Orchestrator(model, [search, Agent(model, "You write.", name="write")], name="boss")
"""


@pytest.mark.capability(2)
def test_the_plan_is_shown_and_nothing_is_done(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    shown = cli("plan", "app.py:boss", "Who are our rivals?")
    assert shown.code == 0
    for part in ("look", "search", "Find rivals", "three of them", "tell", "write  < look", "Write it"):
        assert part in shown.out
    assert not (tmp_path / "effects").exists()
    plan = json.loads(cli("plan", "app.py:boss", "Who are our rivals?", "--json").out)
    assert [task["after"] for task in plan["tasks"]] == [[], ["look"]]


# ---- what nobody here can do


@pytest.mark.capability(14)
def test_a_task_for_nobody_goes_to_otherwise() -> None:
    def planner(goal: str) -> list[dict[str, Any]]:
        return [{"id": "known", "worker": "research"}, {"id": "odd", "worker": "alchemist", "goal": "make gold"}]

    def desk(goal: str) -> str:
        return f"a person will see to it: {goal}"

    boss = Orchestrator(workers=[research], planner=planner, otherwise=desk)
    job = start(boss, "EV", db=":memory:")
    assert job.output == {"known": "<research EV>", "odd": "a person will see to it: make gold"}
    assert job.plan is not None
    assert [task.worker for task in job.plan.tasks] == ["research", "desk"]


@pytest.mark.capability(14)
def test_a_goal_without_a_plan_goes_to_otherwise() -> None:
    def planner(goal: str) -> list[dict[str, Any]] | None:
        return None if "?" in goal else [{"id": "a", "worker": "research"}]

    def desk(goal: str) -> str:
        return f"nobody knows {goal}"

    boss = Orchestrator(workers=[research], planner=planner, otherwise=desk)
    assert run(boss, "EV", db=":memory:") == "<research EV>"
    assert run(boss, "???", db=":memory:") == "nobody knows ???"


# ---- workers of any kind


@pytest.mark.capability(22, 27)
def test_a_function_an_http_call_and_a_query_work_in_one_plan(tmp_path: Path) -> None:
    class Price(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"price": 31000}')

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Price)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    db = sqlite3.connect(tmp_path / "sales.db")
    with db:
        db.execute("create table sales (model, sold)")
        db.executemany("insert into sales values (?, ?)", [("a", 10), ("b", 7)])
    db.close()

    @tool
    def fetch(url: str) -> dict[str, int]:
        with urlopen(url) as answer:
            return dict(json.load(answer))

    @tool
    def query(sql: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(tmp_path / "sales.db")) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]

    def revenue(price: dict[str, int], sales: list[dict[str, Any]]) -> int:
        return price["price"] * sum(int(row["sold"]) for row in sales)

    def planner(goal: str) -> list[dict[str, Any]]:
        return [
            {"id": "price", "worker": "fetch", "inputs": {"url": f"http://127.0.0.1:{server.server_port}/"}},
            {"id": "sales", "worker": "query", "inputs": {"sql": "select * from sales"}},
            {"id": "total", "worker": "revenue", "after": ["price", "sales"]},
        ]

    try:
        job = start(Orchestrator(workers=[fetch, query, revenue], planner=planner), "revenue", db=":memory:")
    finally:
        server.shutdown()
        server.server_close()
    assert job.output == 31000 * 17
    assert job.cost.calls == 0
    assert sorted(step.name for step in job.view.steps.values()) == ["fetch", "query"]


# ---- others stay as they are


@pytest.mark.capability(15)
def test_a_worker_taken_away_leaves_the_others_as_they_are() -> None:
    def planner(goal: str, workers: list[Any]) -> list[dict[str, Any]]:
        return [{"id": name, "worker": name} for name in ("research", "shout") if name in [w["name"] for w in workers]]

    def shout(goal: str) -> str:
        return goal.upper()

    both = Orchestrator(workers=[research, shout], planner=planner)
    one = Orchestrator(workers=[shout], planner=planner)
    before = {case: run(both, case, db=":memory:")["shout"] for case in ("ev", "bikes")}
    assert before == {case: run(one, case, db=":memory:") for case in ("ev", "bikes")}


def test_two_workers_of_one_name_are_refused() -> None:
    twice = Orchestrator(workers=[research, Agent("test:", name="research")], planner=by_rule)
    with pytest.raises(UsageError, match="two workers of orchestrator are named 'research'"):
        _ = twice.members


def test_the_one_parameter_that_must_be_given_may_have_any_name() -> None:
    def write(topic: str, feedback: str = "") -> str:
        return f"on {topic}{feedback}"

    def plans(what: str, problems: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        return [{"id": "a", "worker": "write", "goal": what}]

    def reviews(goal: str, text: str) -> bool:
        return text == f"on {goal}"

    boss = Orchestrator(workers=[write], planner=plans, reviewer=reviews)
    assert start(boss, "tea", db=":memory:").output == "on tea"


def test_a_part_that_asks_for_what_nobody_knows_is_told_what_there_is() -> None:
    def plans(topic: str, style: str) -> list[dict[str, Any]]:
        raise AssertionError("it is never called")

    error = start(Orchestrator(workers=[lambda goal: goal], planner=plans), "tea", db=":memory:").error
    assert "it must be given topic, style" in error
    assert "by name there are before, finished, goal" in error


@pytest.mark.capability(1, 5)
def test_dependencies_by_another_packages_name_hold_and_unknown_fields_are_refused() -> None:
    def first(goal: str) -> str:
        return f"{goal}!"

    def second(a: str) -> str:
        return f"{a}?"

    def plan(**more: object) -> list[dict[str, object]]:
        return [{"id": "a", "agent": "first", "description": "hello"}, {"id": "b", "worker": "second", **more}]

    def boss(**more: object) -> Orchestrator:
        return Orchestrator(workers=[first, second], planner=lambda goal: plan(**more))

    job = start(boss(depends_on=["a"]), "x", db=":memory:")
    assert job.output == "hello!?"
    assert job.plan is not None
    assert job.plan.tasks[1].after == ("a",)
    refused = start(boss(after=["a"], deps=["a"]), "x", db=":memory:")
    assert "task 'b' has no field 'deps', only id, goal, worker, after," in refused.error


@pytest.mark.capability(1)
def test_a_fixed_plan_is_told_how_to_be_a_planner() -> None:
    planner: Any = [{"id": "a", "worker": "first"}]
    with pytest.raises(UsageError, match="write planner=lambda goal:"):
        start(Orchestrator(workers=[print], planner=planner), "x", db=":memory:")
