"""Nothing lost, nothing twice, every doubt shown: by enumeration, judged by a world that the engine cannot see."""

import pytest

from tests.crash.scenarios import SCENARIOS
from tests.crash.simulation import check_every_crash, check_every_pair

SMALL = ["verified", "retried"]


@pytest.mark.capability(102, 103, 178)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_point_loses_nothing_and_repeats_nothing(name: str) -> None:
    assert check_every_crash(SCENARIOS[name]) >= 40


@pytest.mark.capability(102)
@pytest.mark.parametrize("name", SMALL)
def test_two_crashes_at_any_points_lose_nothing_and_repeat_nothing(name: str) -> None:
    assert check_every_pair(SCENARIOS[name]) >= 1_000


@pytest.mark.torture
@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - set(SMALL)))
def test_two_crashes_at_any_points_of_the_larger_scenarios(name: str) -> None:
    assert check_every_pair(SCENARIOS[name]) >= 1_000
