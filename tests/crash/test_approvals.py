"""Generated approval sequences: none bound to the wrong call, none used twice, what is shown is what is executed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from stretto import PolicyDenied, gather, tool, workflow
from stretto.core.canonical import encode
from stretto.core.events import Answered, Asked, Row, StepIntended
from stretto.core.values import Answer
from tests.crash.scenarios import OUTSIDE
from tests.crash.simulation import Person, Scenario, Session, World, play

EVERYDAY, ALL = 1_000, 100_000


@tool(risk="high")
async def wire(to: str, amount: int, *, idempotency_key: str = "", world: World = OUTSIDE) -> str:
    await world.happen("wire", to, amount, key=idempotency_key)
    return "did wire"


@workflow
async def clerk(orders: list[tuple[str, int]]) -> list[str]:
    done = []
    for to, amount in orders:
        try:
            done.append(await wire(to, amount))
        except PolicyDenied:
            done.append("no")
    return done


@workflow
async def office(desks: list[list[tuple[str, int]]]) -> list[list[str]]:
    return await gather(clerk(orders) for orders in desks)


def people(random: Random) -> Person:
    """Two people who do not know of each other; they approve, reject, edit, and make mistakes."""

    def answer(asked: Asked, happened: bool) -> Answer | None:
        if asked.ask == "doubt":
            return Answer("done", "did wire", by="eve") if happened else Answer("repeat", by="eve")
        args: Any = asked.args
        match random.randrange(8):
            case 0 | 1:
                return Answer("reject", reason="no", by="eve")
            case 2:
                return Answer("approve", {**args, "amount": args["amount"] + 100}, by="bob")
            case 3:
                return Answer("approve", {**args, "amount": "much"}, by="bob")
            case 4:
                return Answer("maybe", by="bob")
            case _:
                return Answer("approve", by="eve")

    return answer


def sequence(seed: int) -> Session:
    random = Random(seed)
    orders = [(random.choice("ab"), random.randint(1, 2)) for _ in range(random.randint(1, 4))]
    desks = [orders[::2], orders[1::2]] if random.random() < 0.7 else [orders]
    crashes = [random.randint(5, 80) for _ in range(random.choice((0, 0, 0, 1, 2)))]
    return play(Scenario(office, desks, people(random)), crashes, seed=seed, eager=random.random() < 0.7)


def check(session: Session) -> int:
    """Every execution against the question it was approved by, as the journal and the world have them."""
    asked, answers = _asked(session.rows), Counter[str]()
    said: dict[str, Answered] = {}
    for row in session.rows:
        if row.kind == "answered" and isinstance(event := row.event(), Answered):
            answers[event.wait] += 1
            said[event.wait] = event
    assert max(answers.values()) == 1, "an approval was used twice"
    assert len({question.digest for question in asked.values()}) == len(asked), "two questions look the same"
    approved = []
    for scope, ident, intent in _intents(session.rows):
        question = asked[scope, f"ask {ident}"]
        answer = said[question.wait]
        shown: Any = question.args if answer.value is None else answer.value
        assert answer.decision == "approve", "it was executed without a yes"
        assert encode(shown) == encode(intent.request), "what was shown is not what was executed"
        assert bool(answer.edited) == (answer.value is not None), "an edit has no digest of its own"
        approved.append(("wire", shown["to"], shown["amount"]))
    yes = sum(answer.decision == "approve" for wait, answer in said.items() if wait in _waits(asked))
    assert len(approved) == yes
    assert Counter(session.world.effects) == Counter(approved)
    return len(asked)


def _asked(rows: Iterable[Row]) -> dict[tuple[str, str], Asked]:
    events = ((row, row.event()) for row in rows if row.kind == "asked")
    return {
        (row.scope, row.ident): event for row, event in events if isinstance(event, Asked) and event.ask == "approval"
    }


def _waits(asked: dict[tuple[str, str], Asked]) -> set[str]:
    return {question.wait for question in asked.values()}


def _intents(rows: Iterable[Row]) -> Iterable[tuple[str, str, StepIntended]]:
    """The intents of calls, without those that were made again because they had not happened."""
    for row in rows:
        if row.kind == "step_intended" and not row.ident.endswith((" verified", " repeated")):
            event = row.event()
            assert isinstance(event, StepIntended)
            yield row.scope, row.ident, event


def run(seeds: range) -> int:
    asked = 0
    for seed in seeds:
        try:
            asked += check(sequence(seed))
        except BaseException as error:
            error.add_note(f"sequence {seed}")
            raise
    return asked


def test_no_approval_is_bound_to_the_wrong_call_or_used_twice() -> None:
    assert run(range(1, EVERYDAY)) > 2 * EVERYDAY


@pytest.mark.torture
def test_no_approval_of_a_hundred_thousand_sequences_is_bound_to_the_wrong_call() -> None:
    print(f"\n{ALL} sequences, {run(range(1, ALL + 1))} approvals")
