"""The pace of a provider: requests and tokens in any minute, and requests at once, over all runs of an app.

A window slides over the last minute. A call counts from its sending until a minute after it has surely reached the
provider, so that the provider's own count, whether it slides, refills or starts anew each minute, is never
above ours.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stretto.core.errors import ModelError, UsageError
from stretto.models.news import News, now

LATE = 5.0
"""The most seconds between a call's beginning here and the provider's counting it; connecting is part of it."""
LONGEST_PAUSE = 300.0
"""Seconds that a provider may want to be left alone; where it wants more, calls fail instead of waiting."""
_LIMIT = re.compile(r"\s*(\d[\d_]*)\s*(requests?|tokens?|at once)\s*", re.IGNORECASE)
_FIELDS = {"request": "requests", "token": "tokens", "at once": "at_once"}


@dataclass(frozen=True, slots=True)
class Limit:
    """What a provider allows in any `seconds`: calls, and tokens read and written; and calls at once. None is no limit."""

    requests: int | None = None
    tokens: int | None = None
    seconds: float = 60.0
    at_once: int | None = None

    @classmethod
    def parse(cls, text: str | int | Limit) -> Limit:
        """The limit of "2 at once, 500 requests, 200000 tokens", or some of these, in a minute; a number is calls at once."""
        if isinstance(text, Limit):
            return text
        if isinstance(text, int):
            text = f"{text} at once"
        found = [_LIMIT.fullmatch(part) for part in text.split(",")]
        limits = {_FIELDS[one[2].lower().rstrip("s")]: int(one[1]) for one in found if one is not None}
        if None in found or len(limits) < len(found) or 0 in limits.values():
            raise UsageError(
                f"limit {text!r} is not understood; write what a minute allows like '500 requests, 200000 tokens', "
                "and how many calls at once like '2 at once'"
            )
        return cls(**limits)


UNLIMITED = Limit()
OPEN = float("-inf")


@dataclass(slots=True)
class Turn:
    """A call that is counted: since when, for how many tokens, and until when."""

    begun: float
    tokens: int
    until: float


class Window:
    """The calls that count towards one limit now. Times are those of the event loop, in seconds."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.closed_until = OPEN
        self._turns: deque[Turn] = deque()
        self._under_way = 0

    def delay(self, now: float, tokens: int) -> float:
        """Seconds until a call of so many tokens fits, as far as is known now; infinite until another has ended."""
        turns, limit = self._turns, self.limit
        if not _fits(self._under_way + 1, limit.at_once):
            return math.inf
        while turns and turns[0].until <= now:
            turns.popleft()
        calls, used, at = len(turns), sum(turn.tokens for turn in turns), max(now, self.closed_until)
        for turn in turns:
            if _fits(calls + 1, limit.requests) and _fits(used + tokens, limit.tokens):
                break
            calls, used, at = calls - 1, used - turn.tokens, max(at, turn.until)
        return at - now

    def begin(self, now: float, tokens: int) -> Turn | None:
        """Count a call; None where nothing is counted."""
        if self.limit is UNLIMITED:
            return None
        turn = Turn(now, tokens, now + self.limit.seconds + LATE)
        self._under_way += 1
        if self.limit.requests is not None or self.limit.tokens is not None:
            self._turns.append(turn)
        return turn

    def end(self, turn: Turn, now: float, used: int | None) -> None:
        """The call was answered, so it has been counted there by now; it came to `used` tokens, where that is known."""
        self._under_way -= 1
        turn.until = turn.begun + self.limit.seconds + min(now - turn.begun, LATE)
        turn.tokens = turn.tokens if used is None else used


def _fits(number: int, limit: int | None) -> bool:
    return limit is None or number <= limit


class Pace:
    """The windows of a provider and of its models that have a limit of their own; calls take their turns in order."""

    def __init__(self, provider: str, limits: Mapping[str, Limit]) -> None:
        self._provider = Window(limits.get(provider, UNLIMITED))
        own = {name: limit for name, limit in limits.items() if name.startswith(f"{provider}:")}
        self._models = {name: Window(limit) for name, limit in own.items()}
        self._lines: dict[str, asyncio.Lock] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = News()

    def windows(self, model: str) -> tuple[Window, ...]:
        """The windows in which a model's calls count."""
        own = self._models.get(model)
        return (self._provider,) if own is None else (self._provider, own)

    def counts_tokens(self, model: str) -> bool:
        """Whether a call's tokens matter."""
        return any(window.limit.tokens is not None for window in self.windows(model))

    def is_free(self, model: str) -> bool:
        """Whether a call may be sent at once, and need not be counted."""
        window = self._provider
        if window.limit is not UNLIMITED or model in self._models:
            return False
        return window.closed_until == OPEN or window.closed_until <= now()

    async def turn(self, model: str, tokens: int) -> list[tuple[Window, Turn]]:
        """Wait until a call of at most so many tokens may be sent, and count it; give what comes back to `end`.

        A call that is larger than a limit waits until it is alone. Raises `ModelError` where the provider asked to be
        left alone for too long.
        """
        windows = self.windows(model)
        async with self._line(model if len(windows) > 1 else ""):
            while (delay := max(window.delay(now(), tokens) for window in windows)) > 0:
                self._refuse_to_wait(model)
                await self._news.wait(delay)
            turns = [(window, window.begin(now(), tokens)) for window in windows]
        return [(window, turn) for window, turn in turns if turn is not None]

    def end(self, turns: Sequence[tuple[Window, Turn]], used: int | None) -> None:
        """A call has come to its end; it used so many tokens, where that is known."""
        for window, turn in turns:
            window.end(turn, now(), used)
        self._news.spread()

    def pause(self, seconds: float) -> None:
        """The provider asked to be left alone."""
        self._provider.closed_until = max(self._provider.closed_until, now() + seconds)
        self._news.spread()

    def _refuse_to_wait(self, model: str) -> None:
        left = self._provider.closed_until - now()
        if left > LONGEST_PAUSE:
            raise ModelError(
                f"{model} was not asked: its provider asked to be left alone for {left:.0f} s more, which is longer "
                f"than the {LONGEST_PAUSE:.0f} s that a call waits",
                sent=False,
            )

    def _line(self, model: str) -> asyncio.Lock:
        """Where calls wait in order; a lock belongs to one event loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._lines = loop, {}
        return self._lines.setdefault(model, asyncio.Lock())
