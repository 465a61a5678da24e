"""Standing rules: which calls a condition covers, and what is no condition."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto import UsageError
from stretto.policy.standing import Rule, condition


def covers(where: str, **args: object) -> bool:
    return Rule("1", "pay", where, "ada").covers("pay", args)


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("", True),
        ("amount < 50", True),
        ("amount<=49.9", True),
        ("amount < 49.9", False),
        ("amount > -1 and amount >= 49.90", True),
        ("currency == 'EUR'", True),
        ('currency == "EUR" and amount < 50', True),
        ("currency == 'EUR' and amount < 5", False),
        ("currency != 'USD'", True),
        ("note == 'this and that < 3'", True),
    ],
)
def test_a_rule_covers_what_every_comparison_of_it_holds_for(where: str, holds: bool) -> None:
    assert covers(where, amount=Decimal("49.90"), currency="EUR", note="this and that < 3") is holds


@pytest.mark.parametrize("amount", [49, 49.0, Decimal(49)])
def test_numbers_of_all_kinds_compare_alike(amount: object) -> None:
    assert covers("amount == 49", amount=amount)


@pytest.mark.parametrize("amount", [None, "49", True, [49], {"value": 49}])
def test_an_argument_of_another_type_is_not_covered(amount: object) -> None:
    assert not covers("amount != 50", amount=amount)
    assert not covers("amount < 50", amount=amount)


def test_an_argument_that_is_missing_is_not_covered() -> None:
    assert not covers("amount < 50")
    assert not covers("amount != 50")


def test_a_rule_covers_calls_of_its_own_tool_only() -> None:
    assert not Rule("1", "pay", "", "ada").covers("pay_all", {})


@pytest.mark.parametrize(
    "where",
    [
        "amount",
        "amount <",
        "amount < fifty",
        "amount < 50EUR",
        "amount < 50 or amount > 60",
        "amount < 50 and",
        "and amount < 50",
        "amount < 50 amount > 4",
        "50 > amount",
        "amount < 1e3",
        "currency < 'EUR'",
        "currency == EUR",
        "invoice.amount < 50",
        "__import__('os') == 1",
        "amount < (lambda: 50)()",
    ],
)
def test_whatever_is_no_condition_is_refused_when_the_rule_is_made(where: str) -> None:
    with pytest.raises(UsageError, match="condition"):
        Rule("1", "pay", where, "ada")


@given(st.text())
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        condition(text)
    except UsageError:
        return
