"""Money, tokens, calls and time: reserved before a model call at its worst, settled at what was used.

Accounts form a tree (run, task, agent). A reservation must fit into every account above it, so a total can never pass
its cap. Who does not fit waits for others' settlements before giving up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from stretto.core.frozen import frozen
from stretto.core.values import Budget, Spend


@frozen
class Reservation:
    """The most that one call can cost."""

    usd: Decimal = Decimal(0)
    tokens: int = 0


_NOTHING, _NOT_HELD = Spend(), Reservation()


class Account:
    """What a run, a task or an agent may spend, has spent, and holds reserved."""

    def __init__(
        self, key: str, name: str, cap: Budget | None, parent: Account | None = None, spent: Spend | None = None
    ) -> None:
        self.key, self.name, self.cap, self.parent = key, name, cap, parent
        self.spent = spent or _NOTHING
        self.held = _NOT_HELD
        self.in_flight = 0
        self.asking = False
        self.refused = ""
        """Why it is not raised, once a person said so."""
        self.elapsed: Callable[[], float] = float
        """Seconds that were worked under this account; 0 where nobody counts them."""
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def overdue(self) -> bool:
        """Whether its time is used up."""
        return self.cap is not None and self.cap.seconds is not None and self.elapsed() >= self.cap.seconds

    def late(self) -> Account | None:
        """The first account from here up whose time is used up."""
        if self.overdue:
            return self
        return self.parent.late() if self.parent else None

    @property
    def capped(self) -> bool:
        """Whether any account from here up has a cap."""
        return self.cap is not None or (self.parent is not None and self.parent.capped)

    @property
    def money_capped(self) -> bool:
        """Whether any account from here up has a cap of money."""
        here = self.cap is not None and self.cap.usd is not None
        return here or (self.parent is not None and self.parent.money_capped)

    def too_small(self, wanted: Reservation) -> Account | None:
        """The first account from here up into which the reservation does not fit now."""
        if not self._fits(wanted):
            return self
        return self.parent.too_small(wanted) if self.parent else None

    def _fits(self, wanted: Reservation) -> bool:
        cap = self.cap
        if cap is None:
            return True
        usd = self.spent.usd + self.held.usd + wanted.usd
        tokens = self.spent.input + self.spent.output + self.held.tokens + wanted.tokens
        calls = self.spent.calls + self.in_flight + 1
        return (
            (cap.usd is None or usd <= cap.usd)
            and (cap.tokens is None or tokens <= cap.tokens)
            and (cap.calls is None or calls <= cap.calls)
            and not self.overdue
        )

    def hold(self, wanted: Reservation) -> None:
        """Reserve; the caller has seen that it fits."""
        self.held = Reservation(self.held.usd + wanted.usd, self.held.tokens + wanted.tokens)
        self.in_flight += 1
        if self.parent:
            self.parent.hold(wanted)

    def settle(self, held: Reservation, spend: Spend) -> None:
        """Put what was used in the place of a reservation."""
        self.held = Reservation(self.held.usd - held.usd, self.held.tokens - held.tokens)
        self.in_flight -= 1
        self.spent += spend
        self._changed()
        if self.parent:
            self.parent.settle(held, spend)

    def spend(self, spend: Spend) -> None:
        """Count what was used without a reservation."""
        self.spent += spend
        if self.parent:
            self.parent.spend(spend)

    def raise_cap(self, cap: Budget) -> None:
        """A named person allowed more."""
        self.cap = cap if self.cap is None else self.cap.raised(cap)
        self._changed()

    def asked(self) -> None:
        """The question about this account was answered, or nobody waits for the answer any more."""
        self.asking = False
        self._changed()

    async def change(self) -> None:
        """Wait until something was settled here, or the cap was raised."""
        self._waiters.append(future := asyncio.get_running_loop().create_future())
        await future

    def _changed(self) -> None:
        waiters, self._waiters = self._waiters, []
        for future in waiters:
            if not future.done():
                future.set_result(None)

    def left(self) -> str:
        """What is spent and allowed, for a person."""
        cap = self.cap or Budget()
        parts = [
            f"${self.spent.usd:.4f} of ${cap.usd}" if cap.usd is not None else "",
            f"{self.spent.input + self.spent.output} of {cap.tokens} tokens" if cap.tokens is not None else "",
            f"{self.spent.calls} of {cap.calls} calls" if cap.calls is not None else "",
            f"{self.elapsed():.1f} of {cap.seconds:g} s" if cap.seconds is not None else "",
        ]
        return ", ".join(part for part in parts if part) or "nothing is limited"
