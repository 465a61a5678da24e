"""Numbers as people read them."""

from decimal import Decimal

import pytest

from stretto.cli.words import MICRO, duration, money, spent, tokens
from stretto.core.values import Spend


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1:00"),
        (185, "3:05"),
        (7807, "2:10:07"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(int(seconds * MICRO)) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (999, "999"), (4_210, "4.2k"), (1_300_000, "1.3M")])
def test_tokens(count: int, text: str) -> None:
    assert tokens(count) == text


@pytest.mark.parametrize(("usd", "text"), [("0", "$0.00"), ("0.0042", "$0.0042"), ("12.4", "$12.40")])
def test_money(usd: str, text: str) -> None:
    assert money(Decimal(usd)) == text


def test_calls_of_unknown_price_are_said() -> None:
    assert spent(Spend()) == ""
    assert spent(Spend(Decimal("0.5"), 100, 20, 3, 1)) == "120 tokens · $0.50 (+ 1 call of unknown price)"
