"""Patterns nested at random come to the same in any order of events, and after crashes at any point."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.crash.simulation import Scenario, judge, play
from tests.patterns.nesting import Nesting, somebody

EVERYDAY, ALL = 50, 1_000


def check(numbers: range) -> Counter[str]:
    """Each nesting in peace, in another order, and through crashes."""
    seen: Counter[str] = Counter()
    for number in numbers:
        nesting, random = Nesting(number), Random(number)
        scenario = Scenario(nesting.worker, f"task {number}", person=somebody)
        plain = play(scenario)
        if plain.error is not None:
            pytest.fail(f"nesting {number}: {plain.error}")
        seen += Counter(nesting.kinds) + Counter(sites=len(plain.sites))
        crashes = [random.randint(1, len(plain.sites)) for _ in range(random.randint(1, 3))]
        for how in ({"seed": number + 1}, {"seed": number + 2, "crashes": crashes, "eager": True, "lazy": False}):
            try:
                session = play(scenario, **how)
                judge(session, plain, scenario)
            except BaseException as error:
                error.add_note(f"nesting {number}: {how}")
                raise
            seen += Counter(lives=session.lives, doubts=len(session.doubts))
    return seen


def test_patterns_in_each_other_come_to_the_same_however_events_fall() -> None:
    seen = check(range(EVERYDAY))
    for kind in (
        "pipeline",
        "parallel",
        "partial",
        "route",
        "loop",
        "fallback",
        "compete",
        "debate",
        "chat",
        "each",
        "gate",
    ):
        assert seen[kind] >= 3, f"{kind} hardly occurred"
    assert seen["lives"] > 3 * EVERYDAY, "processes hardly died"
    assert seen["asks"] > 3, "nobody was asked"


@pytest.mark.torture
def test_a_thousand_nestings_come_to_the_same() -> None:
    print(f"\n{ALL} nestings: {dict(check(range(ALL)))}")
