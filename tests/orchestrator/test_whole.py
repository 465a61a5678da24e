"""All results become one: put together, judged, in several parts, with conflicts decided and told."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from stretto import Agent, Conflict, Merged, Orchestrator, Resolved, Ruling, Score, UsageError, start, tool
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer
from stretto.testing import FakeProvider, say
from tests.orchestrator.test_planning import start_at

Tasks = list[dict[str, Any]]


def one(goal: str) -> str:
    return "MARK-ONE"


def two(goal: str) -> str:
    return "MARK-TWO"


def three(goal: str) -> str:
    return "MARK-THREE"


def all_three(goal: str) -> Tasks:
    return [{"id": name, "worker": name} for name in ("one", "two", "three")]


@pytest.mark.capability(9)
def test_a_model_is_given_all_results_and_nothing_is_left_out() -> None:
    def think(request: ModelRequest) -> Answer:
        if request.messages[0].text.startswith("You plan"):
            return say({"tasks": all_three("")})
        results = json.loads(request.messages[-1].text)["results"]
        return say(" ".join(results[task["id"]] for task in all_three("")))

    with FakeProvider(think) as fake:
        job = start_at(fake, Orchestrator("openai:x", [one, two, three]), "x")
    assert job.output == "MARK-ONE MARK-TWO MARK-THREE"


@pytest.mark.capability(9)
def test_a_rule_puts_results_together_in_the_plans_order() -> None:
    def in_order(goal: str, results: list[str]) -> str:
        return " ".join(results)

    def alone(parts: list[str]) -> str:
        return " ".join(parts)

    for integrator in (in_order, alone):
        boss = Orchestrator(workers=[three, one, two], planner=all_three, integrator=integrator)
        assert start(boss, "x", db=":memory:").output == "MARK-ONE MARK-TWO MARK-THREE"


@pytest.mark.capability(9)
def test_a_last_task_may_take_the_results_by_name_or_in_order() -> None:
    def by_name(one: str, three: str) -> str:
        return f"{three} {one}"

    def in_order(results: list[str]) -> str:
        return " ".join(results)

    for last in (by_name, in_order):
        tasks = [*all_three(""), {"id": "end", "worker": last.__name__, "after": ["two", "one", "three"]}]
        boss = Orchestrator(workers=[one, two, three, last], planner=lambda goal, tasks=tuple(tasks): tasks)
        said = start(boss, "x", db=":memory:").output
        assert said == ("MARK-THREE MARK-ONE" if last is by_name else "MARK-TWO MARK-ONE MARK-THREE")


@dataclass
class Job:
    goal: str
    tone: str = "calm"


def test_a_typed_parameter_is_filled_from_the_fields_it_declares() -> None:
    def write(goal: Job) -> str:
        return f"{goal.goal} {goal.tone}"

    def planner(goal: Job) -> Tasks:
        return [{"id": "a", "worker": "write", "goal": goal.goal, "inputs": {"tone": goal.tone, "more": 1}}]

    assert start(Orchestrator(workers=[write], planner=planner), Job("EV", "loud"), db=":memory:").output == "EV loud"


# ---- judged


def scores(*values: float) -> Any:
    left = list(values)

    def judge(goal: str, result: Any) -> Score:
        return Score(left.pop(0), f"{result} is thin")

    return judge


@pytest.mark.capability(10)
def test_a_whole_below_the_mark_is_put_together_anew_exactly_once() -> None:
    def integrator(results: dict[str, str], feedback: str = "") -> str:
        return f"whole {feedback}".strip()

    boss = Orchestrator(
        workers=[one, two, three], planner=all_three, integrator=integrator, judge=scores(0.4, 0.9), accept=0.8
    )
    job = start(boss, "x", db=":memory:")
    assert job.output == "whole judged 0.4, and 0.8 is accepted: whole is thin"
    assert Counter(task.worker for task in job.tasks if task.worker in ("one", "integrator", "judge")) == {
        "one": 1,
        "integrator": 2,
        "judge": 2,
    }
    judged = job.why()["judged"]
    assert [(opinion["value"], opinion["ok"], opinion["version"]) for opinion in judged] == [
        (0.4, False, 1),
        (0.9, True, 2),
    ]


@pytest.mark.capability(10)
def test_the_planner_decides_what_is_done_about_a_low_score() -> None:
    told: list[Any] = []

    def planner(goal: str, problems: list[dict[str, Any]]) -> Tasks:
        told.extend(problems)
        more = [{"id": "more", "worker": "three"}] if problems else []
        return [{"id": "a", "worker": "one"}, *more]

    boss = Orchestrator(
        workers=[one, three], planner=planner, integrator=lambda results: sorted(results), judge=scores(0.1, 0.8)
    )
    job = start(boss, "x", db=":memory:")
    assert job.output == ["a", "more"]
    assert (told[0]["task"], told[0]["worker"], told[0]["kind"]) == ("", "judge", "Judged")
    assert Counter(task.worker for task in job.tasks)["one"] == 1


@pytest.mark.capability(10)
def test_a_planner_may_have_a_finished_task_and_all_that_needs_it_done_again() -> None:
    seen: list[str] = []

    def look(goal: str) -> str:
        seen.append(f"look {goal}")
        return goal

    def write(results: dict[str, str]) -> str:
        seen.append(f"write {results['look']}")
        return f"text on {results['look']}"

    def planner(goal: str, problems: list[Any]) -> Tasks:
        tasks = [
            {"id": "look", "worker": "look", "goal": "closer" if problems else "once"},
            {"id": "b", "worker": "one"},
        ]
        return [*tasks, {"id": "write", "worker": "write", "after": ["look"]}]

    boss = Orchestrator(workers=[look, write, one], planner=planner, judge=scores(0.2, 1))
    job = start(boss, "x", db=":memory:")
    assert seen == ["look once", "write once", "look closer", "write closer"]
    assert job.output == {"look": "closer", "b": "MARK-ONE", "write": "text on closer"}


@pytest.mark.capability(10)
def test_without_an_integrator_who_made_the_last_result_mends_it() -> None:
    def write(goal: str, feedback: str = "") -> str:
        return f"better: {feedback}" if feedback else "first"

    def planner(goal: str) -> Tasks:
        return [{"id": "a", "worker": "one"}, {"id": "text", "worker": "write", "after": ["a"]}]

    job = start(Orchestrator(workers=[one, write], planner=planner, judge=scores(0.4, 0.9)), "x", db=":memory:")
    assert job.output == "better: judged 0.4, and 0.8 is accepted: first is thin"
    assert Counter(task.worker for task in job.tasks)["one"] == 1


@pytest.mark.capability(10)
def test_what_never_is_good_enough_is_not_delivered() -> None:
    boss = Orchestrator(workers=[one, two, three], planner=all_three, judge=scores(0.1, 0.2, 0.3), accept=0.5)
    job = start(boss, "x", db=":memory:")
    assert job.state == "failed"
    assert "gave up after 3 plans: judged 0.3, and 0.5 is accepted" in job.error
    assert [opinion["value"] for opinion in job.why()["judged"]] == [0.1, 0.2, 0.3]


@pytest.mark.capability(10)
def test_a_model_judges_where_only_the_mark_is_given() -> None:
    asked: Counter[str] = Counter()

    def think(request: ModelRequest) -> Answer:
        part = " ".join(request.messages[0].text.split()[:2])
        asked[part] += 1
        if part == "You plan":
            return say({"tasks": [{"id": "a", "worker": "one"}]})
        if part == "You judge":
            return say({"value": 0.4 if asked[part] == 1 else 0.9, "reason": "too short"})
        return say("mended" if "too short" in request.messages[-1].text else "first")

    with FakeProvider(think) as fake:
        job = start_at(fake, Orchestrator("openai:x", [one], accept=0.8), "x")
    assert job.output == "mended"
    assert asked == {"You plan": 2, "You are": 2, "You judge": 2}


def test_what_is_no_score_is_said_so() -> None:
    for said, why in ((85, "85 is not between 0 and 1"), ("fine", "gave no score: Input should be an object")):
        boss = Orchestrator(workers=[one, two, three], planner=all_three, judge=lambda result, said=said: said)
        assert why in start(boss, "x", db=":memory:").error


def test_accept_without_a_judge_is_refused_before_anything_is_done() -> None:
    job = start(Orchestrator(workers=[one], planner=all_three, accept=0.5), "x", db=":memory:")
    assert "has accept=0.5 and nobody who judges; give it judge=..." in job.error
    assert [task.worker for task in job.tasks] == ["orchestrator"]


# ---- several deliverables


@dataclass
class Reports:
    marketing: str
    technical: str


LOOKED: list[str] = []


@tool
def search(query: str) -> str:
    LOOKED.append(query)
    return "facts"


def writes(goal: str, facts: str) -> str:
    return f"{goal} from {facts}"


SHARED = [
    {"id": "facts", "worker": "search", "inputs": {"query": "EV"}},
    {"id": "marketing", "worker": "writes", "goal": "praise", "after": ["facts"]},
    {"id": "technical", "worker": "writes", "goal": "explain", "after": ["facts"]},
]


@pytest.mark.capability(11)
def test_two_deliverables_come_from_one_shared_look() -> None:
    LOOKED.clear()
    boss = Orchestrator(workers=[search, writes], planner=lambda goal: SHARED, output=Reports)
    job = start(boss, "EV", db=":memory:")
    assert job.output == Reports("praise from facts", "explain from facts")
    assert LOOKED == ["EV"]


@pytest.mark.capability(11)
def test_a_model_fills_every_field_of_what_is_wanted() -> None:
    LOOKED.clear()

    def think(request: ModelRequest) -> Answer:
        if request.messages[0].text.startswith("You plan"):
            return say({"tasks": SHARED})
        results = json.loads(request.messages[-1].text)["results"]
        return say({name: results[name] for name in ("marketing", "technical")})

    with FakeProvider(think) as fake:
        job = start_at(fake, Orchestrator("openai:x", [search, writes], output=Reports), "EV")
    assert job.output == Reports("praise from facts", "explain from facts")
    assert LOOKED == ["EV"]


# ---- conflicts


def claims(**values: Any) -> tuple[list[Any], Any]:
    """Workers that say these things, and a planner that asks all of them at once."""

    def worker(name: str, said: Any) -> Any:
        def says(goal: str) -> Any:
            return said

        says.__name__ = name
        return says

    def planner(goal: str) -> Tasks:
        return [{"id": f"ask_{name}", "worker": name} for name in values]

    return [worker(*item) for item in values.items()], planner


@pytest.mark.capability(12)
@pytest.mark.parametrize(
    ("rule", "chosen", "lost"),
    [
        ("first", 10, {"ask_b": 12, "ask_c": 12}),
        ("last", 12, {"ask_a": 10}),
        ("majority", 12, {"ask_a": 10}),
    ],
)
def test_the_result_has_what_was_chosen_the_loser_and_who_decided(rule: str, chosen: int, lost: Any) -> None:
    workers, planner = claims(a={"price": 10, "name": "x"}, b={"price": 12, "name": "x"}, c={"price": 12})
    job = start(Orchestrator(workers=workers, planner=planner, resolve=rule), "x", db=":memory:")
    (decision,) = job.output.resolved
    assert isinstance(decision, Resolved)
    assert job.output.values == {"price": chosen, "name": "x"}
    assert (decision.field, decision.chosen, decision.rejected, decision.by) == ("price", chosen, lost, rule)
    (recorded,) = job.why()["resolved"]
    assert (recorded["chosen"], recorded["rejected"], recorded["by"]) == (chosen, lost, rule)


@dataclass
class Fact:
    capital: str
    people: int


@pytest.mark.capability(12)
def test_a_worker_decides_and_the_integrator_is_told() -> None:
    given: list[Any] = []

    def expert(conflict: Conflict) -> Ruling:
        given.append(conflict)
        return Ruling("Bern", "Zurich is only larger")

    def integrator(results: dict[str, Any], resolved: list[Resolved]) -> str:
        return f"{resolved[0].chosen}, not {resolved[0].rejected['ask_b']}, says {resolved[0].by}"

    workers, planner = claims(a=Fact("Bern", 9), b=Fact("Zurich", 9))
    boss = Orchestrator(workers=workers, planner=planner, resolve=expert, integrator=integrator)
    job = start(boss, "x", db=":memory:")
    assert given == [Conflict("capital", {"ask_a": "Bern", "ask_b": "Zurich"}, {"ask_a": "a", "ask_b": "b"})]
    assert job.output == "Bern, not Zurich, says expert"
    assert job.why()["resolved"][0]["reason"] == "Zurich is only larger"


@pytest.mark.capability(12)
def test_fields_may_be_resolved_in_different_ways_and_others_left_alone() -> None:
    def average(claims: dict[str, float]) -> float:
        return sum(claims.values()) / len(claims)

    workers, planner = claims(a={"price": 10, "text": "one", "day": 1}, b={"price": 20, "text": "two", "day": 2})
    boss = Orchestrator(workers=workers, planner=planner, resolve={"price": average, "day": "last"})
    merged = start(boss, "x", db=":memory:").output
    assert isinstance(merged, Merged)
    assert merged.values == {"price": 15, "text": "two", "day": 2}
    assert {one.field: (one.by, one.rejected) for one in merged.resolved} == {
        "price": ("average", {"ask_a": 10, "ask_b": 20}),
        "day": ("last", {"ask_a": 1}),
    }


@pytest.mark.capability(12)
def test_a_model_may_decide() -> None:
    def think(request: ModelRequest) -> Answer:
        return say({"chosen": json.loads(request.messages[-1].text)["claims"]["ask_b"], "reason": "newer"})

    workers, planner = claims(a={"price": 10}, b={"price": 12})
    with FakeProvider(think) as fake:
        expert = Agent("openai:x", "You decide.", name="expert")
        job = start_at(fake, Orchestrator(workers=workers, planner=planner, resolve=expert), "x")
    assert job.output.values == {"price": 12}
    assert job.output.resolved[0].by == "expert"


def test_who_was_given_a_result_corrects_it_which_is_no_conflict() -> None:
    def first(goal: str) -> dict[str, int]:
        return {"price": 10}

    def checks(results: dict[str, Any]) -> dict[str, int]:
        return {"price": results["a"]["price"] + 1}

    def planner(goal: str) -> Tasks:
        return [{"id": "a", "worker": "first"}, {"id": "b", "worker": "checks", "after": ["a"]}]

    job = start(Orchestrator(workers=[first, checks], planner=planner, resolve="first"), "x", db=":memory:")
    assert job.output == Merged({"price": 11})


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(
        UsageError, match="resolve='loudest' is no rule; it is 'first', 'last', 'majority', or a worker"
    ):
        start(Orchestrator(workers=[one], planner=all_three, resolve="loudest"), "x", db=":memory:")


def test_the_command_line_tells_scores_and_conflicts(tmp_path: Any, cli: Any) -> None:
    (tmp_path / "app.py").write_text(
        """
from stretto import Orchestrator, Score
left = [0.4, 0.9]

def a(goal): return {"price": 10}
def b(goal): return {"price": 12}
def planner(goal): return [{"id": "x", "worker": "a"}, {"id": "y", "worker": "b"}]
def judge(result): return Score(left.pop(0), "thin")

boss = Orchestrator(workers=[a, b], planner=planner, resolve="last", judge=judge, name="boss")
"""
    )
    assert cli("run", "app.py:boss", "EV", "--id", "r").code == 0
    told = cli("why", "r").out
    assert "price: 12 instead of 10 (x), by last: y is the last of x, y in the plan" in told
    assert "version 1: 0.4, 0.8 is accepted: thin" in told
    assert "version 2: 0.9, 0.8 is accepted: thin" in told


@pytest.mark.capability(12)
def test_plain_answers_to_the_same_goal_contradict_each_other_and_none_is_lost() -> None:
    workers, planner = claims(a="10 EUR", b="12 EUR")
    job = start(Orchestrator(workers=workers, planner=planner, resolve="last"), "the price", db=":memory:")
    (decision,) = job.output.resolved
    assert job.output.values == {"the price": "12 EUR"}
    assert (decision.chosen, decision.rejected, decision.by) == ("12 EUR", {"ask_a": "10 EUR"}, "last")

    def apart(goal: str) -> list[dict[str, str]]:
        return [{"id": name, "worker": name, "goal": f"of {name}"} for name in ("a", "b")]

    job = start(Orchestrator(workers=workers, planner=apart, resolve="last"), "the price", db=":memory:")
    assert (job.output.values, job.output.resolved) == ({"of a": "10 EUR", "of b": "12 EUR"}, ())


@pytest.mark.capability(12)
def test_what_was_chosen_fills_the_declared_output() -> None:
    @dataclass
    class Price:
        price: int

    workers, planner = claims(a={"price": 10}, b={"price": 12})
    job = start(Orchestrator(workers=workers, planner=planner, resolve="last", output=Price), "x", db=":memory:")
    assert job.output == Price(12)
    assert job.why()["resolved"][0]["rejected"] == {"ask_a": 10}
