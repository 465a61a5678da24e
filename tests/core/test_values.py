"""Budgets, durations and amounts, as people write them."""

from decimal import Decimal

import pytest

from stretto import Budget, UsageError
from stretto.core.values import dollars, seconds


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("$0.50", Budget(usd=Decimal("0.50"))),
        ("$ 2", Budget(usd=Decimal(2))),
        ("2 USD", Budget(usd=Decimal(2))),
        ("2_000 tokens", Budget(tokens=2000)),
        ("20 calls", Budget(calls=20)),
        ("1 call", Budget(calls=1)),
        ("5 min", Budget(seconds=300)),
        ("$1, 20 calls, 1h", Budget(usd=Decimal(1), calls=20, seconds=3600)),
    ],
)
def test_a_budget_is_read_as_people_write_it(text: str, budget: Budget) -> None:
    assert Budget.parse(text) == budget
    assert Budget.parse(budget) == budget


@pytest.mark.parametrize(
    "text", ["", "5", "$", "$5 calls", "lots", "-1 calls", "$-1", "1.5.2 USD", "€5", "$1,", "$1e9"]
)
def test_a_budget_that_is_not_understood_shows_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        Budget.parse(text)


def test_no_budget_is_no_budget() -> None:
    assert Budget.parse(None) is None


def test_a_raised_budget_keeps_what_was_not_named() -> None:
    assert Budget(usd=Decimal(1), calls=5).raised(Budget(usd=Decimal(9))) == Budget(usd=Decimal(9), calls=5)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("90s", 90),
        ("15 min", 900),
        ("2h", 7200),
        ("14d", 1_209_600),
        ("1 week", 604_800),
        ("2 Hours", 7200),
        (1.5, 1.5),
        (3, 3),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str | float, number: float) -> None:
    assert seconds(text) == number


@pytest.mark.parametrize("text", ["", "soon", "5", "5 parsecs", "-5s", "1h30", "s"])
def test_a_duration_that_is_not_understood_shows_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        seconds(text)


def test_amounts() -> None:
    assert dollars("0.10") + dollars(None) + dollars("") == Decimal("0.10")
    with pytest.raises(UsageError, match="not a number of dollars"):
        dollars("ten")
