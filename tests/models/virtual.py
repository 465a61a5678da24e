"""Work in virtual time: an hour passes at once, and what happened when is exact."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from stretto.testing import VirtualLoop
from stretto.testing.virtual_loop import tear_down

T = TypeVar("T")


def virtually(work: Coroutine[Any, Any, T]) -> T:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        tear_down(loop)


def time() -> float:
    return asyncio.get_running_loop().time()
