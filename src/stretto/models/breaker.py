"""A circuit breaker: a provider that fails again and again is left alone, but for one call at a time that tries it."""

from __future__ import annotations

import math

from stretto.core.errors import ModelError
from stretto.models.news import News, now

FAILURES = 5
"""Failures in a row after which a provider counts as down."""
FIRST_REST, LONGEST_REST = 1.0, 60.0
"""Seconds until a provider that is down is tried again: doubled each time it still is."""
PATIENCE = 120.0
"""Seconds that a call waits for a provider that is down."""


class Breaker:
    """Whether a provider is asked at all. Only passing failures count: who answers that a request is wrong is there."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._failures = 0
        self._rest = 0.0
        self._again = -math.inf
        self._trying = False
        self._last = ""
        self._news = News()

    @property
    def is_closed(self) -> bool:
        """Whether the provider counts as there, so that all calls go to it."""
        return self._rest == 0

    async def admit(self, patience: float = PATIENCE) -> bool:
        """Wait until a call may be made; True where it is the one that finds out whether the provider is back.

        Raises `ModelError` where that takes longer than `patience` seconds.
        """
        deadline = now() + patience
        while not self.is_closed:
            delay = math.inf if self._trying else self._again - now()
            if delay <= 0:
                self._trying = True
                return True
            if deadline <= now() or (self._again > deadline and not self._trying):
                raise self._refusal()
            await self._news.wait(min(delay, deadline - now()))
        return False

    def succeeded(self) -> None:
        """The provider answered: it is there."""
        if self._failures:
            self._failures, self._rest, self._trying = 0, 0.0, False
            self._news.spread()

    def failed(self, error: ModelError, *, trial: bool) -> None:
        """A call failed; `trial` as `admit` said. Who says when to come again is there, and has his own way."""
        if not error.retryable or error.retry_after:
            return self.succeeded()
        self._failures += 1
        self._last = str(error)
        if trial or (self.is_closed and self._failures >= FAILURES):
            self._rest = min(LONGEST_REST, self._rest * 2 or FIRST_REST)
            self._again = now() + self._rest
        return self.gave_up(trial=trial)

    def gave_up(self, *, trial: bool) -> None:
        """Nothing more will be heard of a call; where it was the trial, another may be."""
        if trial:
            self._trying = False
            self._news.spread()

    def _refusal(self) -> ModelError:
        return ModelError(
            f"{self._provider} was not asked: its last {self._failures} calls failed, the latest with "
            f"{self._last!r}; it is tried again in {max(0.0, self._again - now()):.0f} s",
            sent=False,
        )
