"""Trying a step again: each try is a step of its own, and what has used up its tries is not tried again further out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from stretto.core.errors import NotDone, PolicyDenied, ToolError, UsageError
from stretto.runtime import failures
from stretto.runtime.recording import next_try

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between tries: doubled each time, with jitter."""
LONGEST_WAIT = 300.0
"""Seconds (`Retry-After`) that a try waits for; where a provider wants more, the call fails with its answer."""
_SAID = (ToolError, NotDone, PolicyDenied, UsageError)
"""Errors that say what they mean: the same call would only meet them again."""


def pause(attempt: int, at_least: float = 0) -> float:
    """Seconds to wait before the next attempt; `at_least` is what a provider asked for."""
    return at_least + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)


async def rest(scope: Scope, seconds: float) -> None:
    """Wait before another try; that is part of the effect, so the run is not idle."""
    with scope.run.outside():
        await asyncio.sleep(seconds)


async def tried(scope: Scope, ident: str, retry: int, attempt: Callable[[str], Awaitable[T]]) -> T:
    """What comes of a step, given its identity in each try; at most `retry` further ones follow a failure."""
    tries, name = 1, ident
    while True:
        try:
            return await attempt(name)
        except _SAID:
            raise
        except Exception as error:
            if tries > retry:
                failures.tried(error, tries)
                raise
        tries, name = tries + 1, next_try(name)
        if not scope.run.recording.knows(scope.key, name):
            await rest(scope, pause(tries - 1))
