"""A task starts the moment its own inputs are there; so many at once; and a crash at any point changes nothing."""

import asyncio
from collections import Counter
from threading import Barrier, Condition
from time import sleep
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stretto import Agent, App, Orchestrator, Score, Verdict, gather, start, tool, workflow
from stretto.core.events import Asked
from stretto.core.messages import ModelRequest
from stretto.core.values import Answer
from stretto.models.script import Answer as Said
from stretto.runtime.view import View
from stretto.testing import FakeProvider, agree, say, simulate
from tests.models.virtual import time, virtually
from tests.orchestrator.test_planning import start_at

Tasks = list[dict[str, Any]]


async def waits(goal: str, seconds: float) -> dict[str, float]:
    begun = time()
    await asyncio.sleep(seconds)
    return {"begun": begun, "ended": time()}


def task(id: str, seconds: float, *after: str) -> dict[str, Any]:
    return {"id": id, "worker": "waits", "inputs": {"seconds": seconds}, "after": list(after)}


def times(tasks: Tasks, limit: int | None = None) -> dict[str, dict[str, float]]:
    """When each task began and ended, in virtual time."""
    boss = Orchestrator(workers=[waits], planner=lambda goal: tasks, integrator=lambda results: results, limit=limit)

    async def whole() -> Any:
        async with App([boss], db=":memory:") as app:
            return await (await app.start(boss, "x"))

    found: dict[str, dict[str, float]] = virtually(whole())
    return found


@pytest.mark.capability(5)
def test_a_task_waits_for_nothing_but_its_own_inputs() -> None:
    found = times([task("a", 5), task("b", 20), task("c", 5, "a"), task("join", 0.5, "b", "c")])
    assert found["c"]["begun"] == pytest.approx(5, abs=0.01)
    assert found["join"]["ended"] <= 21


@pytest.mark.capability(5, 30)
@settings(max_examples=15)
@given(st.data())
def test_in_any_graph_a_task_begins_when_the_last_of_its_parents_ends(data: st.DataObject) -> None:
    number = data.draw(st.integers(2, 20))
    parents = [data.draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else set() for at in range(number)]
    found = times([task(f"t{at}", at % 4 + 1, *(f"t{one}" for one in sorted(parents[at]))) for at in range(number)])
    for at in range(number):
        ready = max((found[f"t{one}"]["ended"] for one in parents[at]), default=0)
        assert found[f"t{at}"]["begun"] == pytest.approx(ready, abs=0.05)


def test_with_a_limit_the_next_in_line_takes_the_slot() -> None:
    found = times([task(f"t{at}", 1) for at in range(7)], limit=3)
    begun = sorted(round(one["begun"]) for one in found.values())
    assert begun == [0, 0, 0, 1, 1, 1, 2]


FIVE = Barrier(5, timeout=60)


def blocks(goal: str) -> str:
    FIVE.wait()  # for the other four
    return "all are here"


@pytest.mark.capability(5, 29)
def test_functions_that_block_do_not_keep_each_other_waiting() -> None:
    tasks = [{"id": f"t{at}", "worker": "blocks"} for at in range(5)]
    job = start(Orchestrator(workers=[blocks], planner=lambda goal: tasks), "x", db=":memory:")
    assert job.state == "done"


@workflow
async def later(goal: str) -> str:
    return f"later {goal}"


def test_what_a_function_returns_may_be_a_call() -> None:
    def delegates(goal: str) -> Any:
        return later(goal)

    boss = Orchestrator(workers=[delegates], planner=lambda goal: [{"id": "a", "worker": "delegates"}])
    job = start(boss, "x", db=":memory:")
    assert job.output == "later x"
    assert [task.worker for task in job.tasks][-2:] == ["delegates", "later"]


class Flight:
    """Counts requests in flight at the provider; the first ones stay there until there are `full` of them."""

    def __init__(self, full: int) -> None:
        self.now = self.most = 0
        self._changed, self._full = Condition(), full

    def __call__(self, request: ModelRequest) -> Said:
        with self._changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._full, timeout=60)
        sleep(0.01)
        with self._changed:
            self.now -= 1
        return say(f"re {request.messages[-1].text}")


@pytest.mark.capability(26)
def test_two_hundred_tasks_never_have_more_than_the_limit_in_flight() -> None:
    tasks = [{"id": f"t{at:03}", "worker": "agent", "goal": f"number {at}"} for at in range(200)]

    def integrator(results: list[str]) -> list[str]:
        return results

    boss = Orchestrator(workers=[Agent("openai:x")], planner=lambda goal: tasks, integrator=integrator, limit=20)
    with FakeProvider(flight := Flight(20)) as fake:
        job = start_at(fake, boss, "all")
    assert job.output == [f"re number {at}" for at in range(200)]
    assert flight.most == 20
    assert len(fake.received) == 200


@workflow
async def batch(number: int) -> list[str]:
    agent = Agent("openai:x")
    return await gather((agent(f"number {at}") for at in range(number)), limit=20)


@pytest.mark.capability(26)
def test_the_same_as_a_batch_in_a_workflow() -> None:
    with FakeProvider(flight := Flight(20)) as fake:
        job = start_at(fake, batch, 200)
    assert job.output == [f"re number {at}" for at in range(200)]
    assert flight.most == 20


# ---- crashes

ran: Counter[str] = Counter()
KEYS: dict[str, str] = {}


@tool(effect="once")
async def act(what: str, *, idempotency_key: str = "") -> str:
    ran[what] += 1
    KEYS[idempotency_key] = f"acted {what}"
    return f"acted {what}"


@workflow
async def acts(goal: str) -> str:
    return await act(goal)


@workflow
async def fails(goal: str) -> str:
    await asyncio.sleep(0.01)
    raise OSError("gone")


@workflow
async def drafts(goal: str, feedback: str = "") -> str:
    return "good" if feedback else "bad"


def planner(goal: str, problems: list[dict[str, Any]]) -> Tasks:
    """First two fail, at different times; then the whole is not good enough."""
    failed = {problem["task"] for problem in problems}
    other = "acts" if problems else "fails"
    extra = [{"id": "more", "worker": "acts", "goal": "more"}] if "" in failed else []
    return [
        {"id": "a", "worker": "acts", "goal": "a"},
        {"id": "b", "worker": other, "goal": "b"},
        {"id": "c", "worker": other, "goal": "c"},
        {"id": "d", "worker": "drafts", "after": ["a"], "accept": "good"},
        {"id": "e", "worker": "acts", "goal": "e", "after": ["b", "d"]},
        *extra,
    ]


def reviewer(goal: str, accept: str, result: str) -> Verdict:
    return Verdict(not accept or accept in result, "be good")


def judge(result: list[str]) -> Score:
    return Score(1.0 if any("more" in one for one in result) else 0.5, "more")


def integrator(results: list[Any]) -> list[Any]:
    return sorted(map(str, results))


busy = Orchestrator(
    workers=[acts, fails, drafts],
    planner=planner,
    reviewer=reviewer,
    integrator=integrator,
    judge=judge,
    approve_plan=True,
    limit=2,
    max_plans=4,
)


def person(asked: Asked, key: str) -> Answer | None:
    """Says yes to plans, and knows what happened where an effect is in doubt."""
    if asked.ask != "doubt":
        return agree(asked, key)
    return Answer("done", KEYS[key], by="test") if key in KEYS else Answer("repeat", by="test")


@pytest.mark.capability(102)
@pytest.mark.parametrize("seed", range(12))
def test_a_crash_at_any_point_gives_the_same_plans_and_repeats_nothing(seed: int) -> None:
    ran.clear()
    with simulate(seed, crashes=3 if seed else 0) as simulation:
        output = simulation.run(busy, "x", person=person)
    assert [one for one in output if one == "good"] == ["good"]
    assert set(ran) >= {"a", "b", "c", "more"}
    assert max(ran.values()) == 1
    view = View(simulation.events)
    assert [value["version"] for _, _, name, value in view.decisions if name == "plan"] == [1, 2, 3]


@pytest.mark.capability(14)
def test_otherwise_may_be_one_of_the_workers() -> None:
    def desk(message: str) -> str:
        return f"desk: {message}"

    boss = Orchestrator(workers=[desk], planner=lambda goal: [{"id": "a", "worker": "ghost"}], otherwise=desk)
    assert start(boss, "strange", db=":memory:").output == "desk: strange"
