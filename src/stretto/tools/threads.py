"""Blocking functions beside the loop. A thread cannot be killed: one whose caller has given up is left behind.

The threads are daemons of our own, because the loop's own pool is waited for when the loop ends, however long that takes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
MOST = 64
"""Blocking calls of one loop at a time; more wait for a place."""
_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def are_simulated() -> bool:
    """Whether the loop's time is virtual: then nothing beside it can be awaited, and blocking work is done in the loop."""
    return getattr(asyncio.get_running_loop(), "simulated", False)


async def call(function: Callable[..., T], arguments: Mapping[str, object]) -> T:
    """The function's result, or its error, from a thread of its own."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def settle(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]  # without an error there is a result

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(function, **arguments)
        except BaseException as raised:  # noqa: BLE001  the boundary of the thread: the caller gets whatever it was
            error = RuntimeError("a generator's end left a tool") if isinstance(raised, StopIteration) else raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    async with _places.setdefault(
        loop, asyncio.Semaphore(MOST)
    ):  # given back by who gives up, whatever the thread does
        threading.Thread(target=work, name=f"stretto-{function.__name__}", daemon=True).start()
        return await answer
