"""Money: reserved before, settled after, never more than the cap; parked when spent, raised by a named person."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from stretto import Agent, gather, race, start, workflow
from stretto.core.events import Asked
from stretto.core.values import Answer, Settings
from stretto.testing import ScriptedModel, Stuck, say
from tests.crash.scenarios import chat, model, pay
from tests.crash.simulation import Scenario, Session, World, play

CALL, WORST = Decimal("0.06"), Decimal("0.11")
"""What a call of the model costs, and the least that a reservation for it can be."""


@workflow
async def fifty() -> list[str]:
    return await gather(chat(f"question {number}") for number in range(50))


def _up_to(
    cap: str, worker: Any, *crashes: int, person: Any = None, seed: int = 0, ends: str = "run_failed"
) -> Session:
    scenario = Scenario(worker, settings=Settings(budget=cap), model=model, ends=ends)
    if person is not None:
        scenario.person = person
    return play(scenario, crashes, seed=seed)


def _no(asked: Asked, happened: bool) -> Answer:
    return Answer("reject", by="eve", reason="enough")


def _billed(session: Session) -> Decimal:
    return Decimal(session.world.facts.get("billed", 0))


@pytest.mark.capability(110, 180)
@pytest.mark.parametrize("cap", ["0.50", "1.00", "2.00"])
def test_fifty_branches_never_pass_the_cap(cap: str) -> None:
    for seed in range(1, 11):
        session = _up_to(f"${cap}", fifty, person=_no, seed=seed)
        assert 0 < _billed(session) <= Decimal(cap), f"seed {seed}"
        assert _billed(session) > Decimal(cap) - 3 * WORST, "much of the budget was left unused"


@pytest.mark.capability(110, 180)
def test_fifty_branches_never_pass_the_cap_through_crashes() -> None:
    for seed in range(1, 31):
        random = Random(seed)
        crashes = [random.randint(1, 400) for _ in range(random.randint(1, 4))]
        session = _up_to("$1.00", fifty, *crashes, person=_no, seed=seed)
        assert _billed(session) <= Decimal("1.00"), f"seed {seed}, crashes {crashes}"


@pytest.mark.capability(109)
def test_a_call_that_died_counts_as_spent_and_stays_so() -> None:
    @workflow
    async def one() -> str:
        return await chat("x")

    scenario = Scenario(one, settings=Settings(budget="$0.40"), model=model, person=_no, ends="run_failed")
    deaths: list[int] = []
    while True:
        session = play(scenario, deaths)
        later = [n for n, site in enumerate(session.sites, 1) if site == "effect.after" and n > max(deaths, default=0)]
        assert _billed(session) <= Decimal("0.40")
        if not later:
            break
        deaths.append(later[0])
    assert len(deaths) == 3, "three calls were paid for, and no fourth fits"
    assert _billed(session) == 3 * CALL


def test_who_does_not_fit_waits_for_the_settlements_of_others() -> None:
    session = _up_to("$3.50", fifty, seed=3, ends="run_finished")
    assert _billed(session) == 50 * CALL
    assert session.kinds["asked"] == 0


def test_a_spent_budget_parks_the_run_and_is_raised_by_a_person() -> None:
    session = _up_to("$0.30", fifty, ends="run_finished")
    assert len(session.output) == 50
    assert session.kinds["asked"] == 1
    asked = next(row.event() for row in session.rows if row.kind == "asked")
    assert isinstance(asked, Asked)
    assert "used up" in asked.prompt


def test_a_raised_budget_keeps_its_other_limits() -> None:
    answers = ["$100", "$100, 60 calls"]

    def person(asked: Asked, happened: bool) -> Answer:
        return Answer("approve", answers.pop(0), by="eve")

    session = _up_to("$0.30, 10 calls", fifty, person=person, ends="run_finished")
    assert len(session.output) == 50
    assert answers == []


def test_a_refusal_reaches_every_branch_and_asks_once() -> None:
    @workflow
    async def collects() -> int:
        outcomes = await gather((chat(f"question {number}") for number in range(20)), on_error="collect")
        return sum(outcome.ok for outcome in outcomes)

    session = _up_to("$0.50", collects, person=_no, ends="run_finished")
    assert 0 < session.output < 20
    assert session.kinds["asked"] == 1


def test_approving_without_an_amount_is_declined() -> None:
    answers: list[Any] = [None, "lots"]

    def person(asked: Asked, happened: bool) -> Answer:
        return Answer("approve", answers[0], by="eve")

    while answers:
        with pytest.raises(Stuck, match="nobody will answer"):  # the letter was declined, and no other comes
            _up_to("$0.30", fifty, person=person)
        answers.pop(0)


def test_calls_of_abandoned_branches_give_their_reservation_back() -> None:
    @workflow
    async def races() -> list[str]:
        first = await race(chat("a"), chat("b"), chat("c"))
        return [first[:2], *await gather(chat(f"then {number}") for number in range(4)), await pay("end")]

    for seed in range(1, 31):
        session = _up_to("$0.80", races, seed=seed, ends="run_finished")
        assert session.output[0] == "re"
        assert _billed(session) <= Decimal("0.80") or session.kinds["asked"]


def test_a_tasks_own_budget_is_part_of_the_runs() -> None:
    @workflow(budget="$0.20")
    async def frugal() -> str:
        return await chat("a") + await chat("b") + await chat("c") + await chat("d")

    @workflow
    async def outer() -> str:
        return await frugal()

    session = _up_to("$10", outer, person=_no)
    assert "frugal" in str(session.error)
    assert _billed(session) <= Decimal("0.20")


def test_an_unknown_price_is_refused_under_a_cap_of_money() -> None:
    def unpriced(world: World) -> Any:
        scripted = model(world)("")
        scripted.rates = None
        return lambda name: scripted

    scenario = Scenario(fifty, settings=Settings(budget="$1"), model=unpriced, ends="run_failed")
    assert "price" in str(play(scenario).error)
    scenario.settings = Settings(budget="100 calls")
    scenario.ends = "run_finished"
    assert len(play(scenario).output) == 50


def test_the_attempts_of_a_task_share_its_budget() -> None:
    model = ScriptedModel(lambda _: say("not a number"))
    agent = Agent(model, output=int, repair=0, retry=3, budget="2 calls")
    job = start(agent, "count", db=":memory:")
    assert len(model.requests) == 2
    assert [asked["kind"] for asked in job.approvals] == ["budget"]
