"""Any order of branches, answers, crashes, power cuts, disk errors and clock jumps comes to the same."""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random
from typing import Any

import pytest

from stretto.journal.chain import verify
from tests.crash.scenarios import SCENARIOS
from tests.crash.simulation import Session, judge, play

EVERYDAY, ALL, PARTS = 1_600, 10_000, 4
NAMES = list(SCENARIOS)
_plain = cache(lambda name: play(SCENARIOS[name]))


def schedule(number: int) -> tuple[str, list[int], dict[str, Any]]:
    """The scenario, the crashes and the trouble of one schedule: the same for the same number."""
    random, name = Random(number * 7919), NAMES[number % len(NAMES)]
    length = 2 * len(_plain(name).sites)
    crashes = [random.randint(1, length) for _ in range(random.randint(0, 4))]
    trouble: dict[str, Any] = {
        "lazy": random.random() < 0.5,
        "eager": random.random() < 0.5,
        "power_cuts": random.random() < 0.5,
        "fail_at": [random.randint(1, 40) for _ in range(random.choice((0, 0, 1, 2)))],
        "full_from": random.choice((None, None, random.randint(1, 40))),
    }
    if not SCENARIOS[name].timed:
        trouble["jumps"] = random.choice((0, 60, 100_000))
    return name, crashes, trouble


def check(numbers: range) -> Counter[str]:
    seen: Counter[str] = Counter()
    for number in numbers:
        name, crashes, trouble = schedule(number)
        try:
            session = play(SCENARIOS[name], crashes, seed=number, **trouble)
            judge(session, _plain(name), SCENARIOS[name])
        except BaseException as error:
            error.add_note(f"schedule {number}: {name}, crashes at {crashes}, {trouble}")
            raise
        seen += Counter(lives=session.lives, lost=session.lost, doubts=len(session.doubts), sites=len(session.sites))
    return seen


@pytest.mark.capability(146, 199)
@pytest.mark.parametrize("part", range(PARTS))
def test_any_schedule_comes_to_the_same(part: int) -> None:
    size = EVERYDAY // PARTS
    seen = check(range(1 + part * size, 1 + (part + 1) * size))
    assert seen["lives"] > 2 * size, "processes hardly died"
    assert min(seen["lost"], seen["doubts"]) > size / 10, "the disk lost hardly anything, or nothing was ever in doubt"


@pytest.mark.torture
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_schedules_come_to_the_same(part: int) -> None:
    size = ALL // PARTS
    seen = check(range(1 + part * size, 1 + (part + 1) * size))
    print(f"\n{size} schedules: {dict(seen)}")


@pytest.mark.parametrize("name", [name for name in NAMES if SCENARIOS[name].timed])
def test_a_clock_that_jumps_makes_nothing_happen_twice(name: str) -> None:
    for seed in range(1, 60):
        random = Random(seed)
        crashes = [random.randint(1, 100) for _ in range(random.randint(0, 3))]
        _check_safe(play(SCENARIOS[name], crashes, seed=seed, jumps=random.choice((60, 4_000)), eager=True))


def _check_safe(session: Session) -> None:
    assert session.rows[-1].kind == "run_finished"
    assert verify(session.rows) is None
    assert max(Counter(session.world.effects).values()) == 1


@pytest.mark.capability(146, 199)
def test_equal_seeds_give_equal_traces() -> None:
    different = set()
    for number in range(1, 60):
        name, crashes, trouble = schedule(number)
        first, second = (play(SCENARIOS[name], crashes, seed=number, **trouble) for _ in range(2))
        assert first.trace == second.trace, (number, name, trouble)
        assert first.world.effects == second.world.effects
        different.add(tuple(first.trace))
    assert len(different) == 59
