"""Work in virtual time: an hour passes at once, and what happened when is exact."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from stretto.testing import VirtualLoop, wall_clock
from stretto.testing.virtual_loop import tear_down

P = ParamSpec("P")
T = TypeVar("T")
BEGUN = 1_800_000_000
"""Seconds since 1970."""


def virtually(work: Coroutine[Any, Any, T]) -> T:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        tear_down(loop)


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test in virtual time, which the clocks of the machine follow: it means the same on a slow machine."""

    @wraps(test)
    def carried_out(*args: P.args, **kwargs: P.kwargs) -> None:
        loop = VirtualLoop()
        try:
            with wall_clock.replaced(1, lambda: BEGUN + loop.time(), loop.time):
                loop.run_until_complete(test(*args, **kwargs))
        finally:
            tear_down(loop)

    return carried_out


def time() -> float:
    return asyncio.get_running_loop().time()
