"""Accounts: what is spent and held fits into every cap above it, in any order of events."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stretto import Budget
from stretto.core.values import Spend
from stretto.policy.ledger import Account, Reservation


class Spending(RuleBasedStateMachine):
    """Tasks of a run that reserve, settle for less, and never pass their own cap or the run's."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Account("0", "the run", Budget(usd=Decimal(10), calls=12))
        self.tasks = [Account(str(n), f"task {n}", Budget(usd=Decimal(n)), self.run) for n in (3, 5, 7)]
        self.open: list[tuple[Account, Reservation]] = []

    @rule(task=st.integers(0, 2), cents=st.integers(1, 400))
    def reserve(self, task: int, cents: int) -> None:
        wanted = Reservation(Decimal(cents) / 100, cents)
        if self.tasks[task].too_small(wanted) is None:
            self.tasks[task].hold(wanted)
            self.open.append((self.tasks[task], wanted))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 100), part=st.integers(0, 100))
    def settle(self, which: int, part: int) -> None:
        task, held = self.open.pop(which % len(self.open))
        task.settle(held, Spend(held.usd * part / 100, calls=1))

    @invariant()
    def nothing_passes_its_cap(self) -> None:
        for account in (self.run, *self.tasks):
            assert account.cap is not None
            assert account.cap.usd is not None
            assert account.spent.usd + account.held.usd <= account.cap.usd
        assert self.run.spent.calls + self.run.in_flight <= 12
        assert self.run.spent.usd == sum(task.spent.usd for task in self.tasks)
        assert self.run.held.usd == sum(held.usd for _, held in self.open)


TestSpending = Spending.TestCase


def test_what_is_left_is_said_in_the_words_of_the_budget() -> None:
    account = Account("0", "run", Budget(usd=Decimal(1), calls=3))
    account.spend(Spend(Decimal("0.25"), 10, 5, 1))
    assert account.left() == "$0.2500 of $1, 1 of 3 calls"
