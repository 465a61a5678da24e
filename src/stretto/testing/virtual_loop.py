"""An event loop whose time is virtual and whose ready queue is shuffled by a seed.

A day passes at once, and any order of what is ready can be had again.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from random import Random
from typing import Any

from stretto.runtime.branches import fork_plain_tasks

BUSY = 500
"""Turns at one time after which each further one takes 10 ms: code that polls is not polling for ever."""


class Stuck(Exception):
    """Nothing will ever happen again, and nobody was told."""


class _Selector(selectors.SelectSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise Stuck("all tasks wait for something that nothing in the simulation will bring about")
        self.loop.turn(max(timeout, 0))
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer; where there is none and nothing is ready, the loop is `Stuck`.

    With `random`, what is ready at the same time runs in the order that it says; without, in the order of asking.
    Blocking work that is handed to a thread, and tools that want a process of their own, are done here: no real thread,
    socket or child process can be awaited.
    """

    simulated = True

    def __init__(self, random: Random | None = None) -> None:
        self.clock = 0.0
        self._turns = 0
        self._random = random
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)
        self.set_task_factory(fork_plain_tasks)

    def time(self) -> float:
        return self.clock

    def turn(self, wait: float) -> None:
        """Let time pass, and bring what is ready into another order. Turns without end take time, too."""
        self._turns = 0 if wait else self._turns + 1
        self.clock += wait or (0.01 if self._turns > BUSY else 0)
        ready: Any = getattr(self, "_ready", ())
        if self._random is not None and len(ready) > 1:
            handles = list(ready)
            self._random.shuffle(handles)
            ready.clear()
            ready.extend(handles)

    def run_in_executor(  # type: ignore[override]  # typeshed's form needs TypeVarTuple spelt out, to no use here
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        self.call_soon(_do, future, func, args)
        return future


def _do(future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if future.done():
        return
    try:
        future.set_result(func(*args))
    except StopIteration as error:
        future.set_exception(RuntimeError(f"blocking work raised {error!r}"))
    except Exception as error:  # noqa: BLE001  the boundary that a thread would be
        future.set_exception(error)


def tear_down(loop: asyncio.AbstractEventLoop) -> None:
    """End all tasks of a loop that nobody runs any more, whatever they still want, and close it."""
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks, timeout=5))
        for task in tasks:
            if task.done() and not task.cancelled():
                task.exception()
    loop.close()
