"""Nothing lost, nothing twice, every doubt shown: by enumeration, judged by a world that the engine cannot see."""

from random import Random

import pytest

from tests.crash.scenarios import SCENARIOS
from tests.crash.simulation import check_every_crash, check_every_pair, judge, play

SMALL = ["verified", "retried"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_point_loses_nothing_and_repeats_nothing(name: str) -> None:
    assert check_every_crash(SCENARIOS[name]) >= 40


@pytest.mark.parametrize("name", SMALL)
def test_two_crashes_at_any_points_lose_nothing_and_repeat_nothing(name: str) -> None:
    assert check_every_pair(SCENARIOS[name]) >= 1_000


@pytest.mark.torture
@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - set(SMALL)))
def test_two_crashes_at_any_points_of_the_larger_scenarios(name: str) -> None:
    assert check_every_pair(SCENARIOS[name]) >= 1_000


def _random_schedules(name: str, seeds: range) -> None:
    scenario = SCENARIOS[name]
    plain = play(scenario)
    for seed in seeds:
        random = Random(seed * 7919)
        crashes = [random.randint(1, 2 * len(plain.sites)) for _ in range(random.randint(0, 4))]
        lazy = random.random() < 0.5
        try:
            judge(play(scenario, crashes, seed=seed, lazy=lazy), plain, scenario)
        except BaseException as error:
            error.add_note(f"{name}: seed {seed}, crashes at {crashes}, lazy {lazy}")
            raise


@pytest.mark.parametrize("name", SCENARIOS)
def test_any_order_of_branches_answers_and_crashes_comes_to_the_same(name: str) -> None:
    _random_schedules(name, range(1, 41))


@pytest.mark.torture
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_thousand_orders_come_to_the_same(name: str) -> None:
    _random_schedules(name, range(41, 1_041))


def test_equal_seeds_give_equal_traces() -> None:
    for name in ("equal_branches", "nested", "races"):
        first, second = (play(SCENARIOS[name], [30, 50], seed=7) for _ in range(2))
        assert first.sites == second.sites
        assert first.world.effects == second.world.effects
