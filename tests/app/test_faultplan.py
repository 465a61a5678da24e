"""STRETTO_FAULT: which fault site does what."""

import pytest

from stretto import JournalError, UsageError
from stretto.app import faultplan


def test_a_site_is_named_by_its_number_or_by_its_name_and_turn() -> None:
    for text, passed in {"3:error": 3, "b#2:error": 4, "b#2:error,1:delay=0": 4}.items():
        plan = faultplan.parse(text)
        for site in "ababa"[: passed - 1]:
            plan(site)
        with pytest.raises(JournalError, match="fault injected"):
            plan("ababa"[passed - 1])


def test_log_prints_number_name_and_turn(capsys: pytest.CaptureFixture[str]) -> None:
    plan = faultplan.parse("log")
    for site in "aba":
        plan(site)
    assert capsys.readouterr().err.splitlines() == ["1 a#1", "2 b#1", "3 a#2"]


@pytest.mark.parametrize("text", ["kill", "3", "3:explode", "a#:kill", "delay=1:3", "1:kill;2:kill"])
def test_a_plan_that_is_not_understood_shows_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="write N:kill"):
        faultplan.parse(text)
