"""A conversation that goes on from memory comes to the same as one that goes on from the journal, whatever happens."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from stretto import ask, gather, listen, sleep, workflow
from stretto.core.events import Asked
from stretto.core.values import Answer
from tests.crash.scenarios import look, pay, put, send
from tests.crash.simulation import Scenario, judge, play, truthful


@workflow
async def talks() -> list[str]:
    """Acts, asks and waits between what it hears; nobody says anything the third time."""
    heard: list[str] = []
    for turn in range(4):
        try:
            heard.append(await listen(f"turn {turn}", timeout="1h"))
        except TimeoutError:
            heard.append("nothing")
        await pay(f"turn {turn}")
        if turn % 2:
            heard += await gather(ask(f"one of {turn}?"), send(f"turn {turn}"), put(f"turn {turn}"))
        else:
            await sleep("5 min")
        heard.append(await look(f"turn {turn}"))
    return heard


def person(asked: Asked, happened: bool) -> Answer | None:
    return None if asked.content == "turn 2" else truthful(asked, happened)


TALKS = Scenario(talks, person=person)


@pytest.mark.capability(201, 146)
def test_any_schedule_of_a_conversation_comes_to_the_same() -> None:
    plain, resumed = play(TALKS), 0
    judge(plain, plain, TALKS)
    assert plain.kinds["run_parked"] >= 6
    for seed in range(1, 120):
        random = Random(seed)
        crashes = [random.randint(1, 2 * len(plain.sites)) for _ in range(random.randint(0, 3))]
        trouble: dict[str, Any] = {
            "lazy": random.random() < 0.5,
            "eager": random.random() < 0.7,
            "power_cuts": random.random() < 0.5,
            "fail_at": [random.randint(1, 60) for _ in range(random.choice((0, 0, 1)))],
        }
        session = play(TALKS, crashes, seed=seed, **trouble)
        try:
            judge(session, plain, TALKS)
        except BaseException as error:
            error.add_note(f"seed {seed}, crashes at {crashes}, {trouble}")
            raise
        resumed += session.kinds["run_resumed"]
    assert resumed > 600, "hardly anything was parked"
