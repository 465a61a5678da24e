"""A task of another framework's agent: its code runs as it is, and what it asks of models and tools becomes steps.

How such code makes its asyncio tasks and threads is its own affair, so that the order of its calls says nothing. Each
call stands in a scope of its own, which is named after what is asked: when the run is taken up again, the code is run
again, and each call finds what it was given. What is asked for now and was not then waits until all that was recorded
has been asked for again, so that code which went another way does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

from stretto.core.canonical import digest, encode, identity
from stretto.core.errors import Evicted, NotDone, PolicyDenied, ToolError
from stretto.core.messages import ModelReply, ModelRequest
from stretto.core.ports import Model
from stretto.core.scope import current
from stretto.runtime import frontier, models
from stretto.runtime.scope import Scope
from stretto.tools.tool import Tool

T = TypeVar("T")
RETRY = 2
"""Further tries of a model call that failed in passing, where no task around says how many."""
TOLD = (ToolError, NotDone, PolicyDenied)
"""Errors of a tool that a model is told of, so that it can do something else."""
_LOOK = 0.01


class Visit:
    """One task, in whose `scope` the code of another framework is at work, in one go or several."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.loop = scope.run.loop
        self._counts: dict[str, int] = {}
        self._raised: list[BaseException] = []

    async def host(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run the code, with no scope in sight; an error that a call raised comes out as itself, however it is wrapped."""
        hidden, token = current.set(None), here.set(self)
        try:
            result = await work()
        except Exception as error:  # noqa: BLE001  it is raised: itself, or what is at the bottom of it
            self.scope.run.check_open()
            cause = self._cause(error)
            raise cause from cause.__cause__
        finally:
            here.reset(token)
            current.reset(hidden)
        self.scope.run.check_open()
        return result

    def end(self) -> None:
        """The code has come to its end: what branches of it asked for that it has cut off is not missed."""
        self.scope.run.recording.done(self.scope.key)

    async def model(self, model: Model, request: ModelRequest) -> ModelReply:
        """A model's answer: reserved, recorded, and read back ever after."""
        stem = f"model {model.name} {request.conversation.head} {digest(request.frame())}"
        return await self._call(stem, lambda seat: models.reply(seat, model, request, _tries(seat)))

    async def tool(self, tool: Tool[Any, T], given: Mapping[str, Any]) -> T:
        """A tool's call, behind the gates."""
        stem = f"tool {tool.name} {identity(encode(dict(given)))}"
        return await self._call(stem, lambda seat: seat.tool(tool, given))

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of a call, for code in a thread of its own."""
        return asyncio.run_coroutine_threadsafe(call, self.loop).result()

    async def _call(self, stem: str, act: Callable[[Scope], Awaitable[T]]) -> T:
        if asyncio.get_running_loop() is not self.loop:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._call(stem, act), self.loop))
        run = self.scope.run
        run.check_open()
        seat, token = self._seat(stem), here.set(None)
        run.parking.rejoined()
        try:
            with seat:
                return await act(seat)
        except Exception as error:
            self._raised.append(error)
            raise
        except Evicted:  # other frameworks know what it is to be cancelled
            raise asyncio.CancelledError from None
        finally:
            here.reset(token)
            if not run.closed:
                run.parking.idle()

    def _seat(self, stem: str) -> Seat:
        number = self._counts[stem] = self._counts.get(stem, 0) + 1
        around, place = self.scope, identity(f"{stem} {number}".encode())
        seat = Seat(around.run, f"{around.key}.{place}", around, around.worker, around.account)
        seat.origin, seat.retried, seat.retry = f"{around.origin}.{place}", around.retried, around.retry
        return seat

    def _cause(self, error: BaseException) -> BaseException:
        at: BaseException | None = error
        while at is not None:
            if any(at is one for one in self._raised):
                return at
            at = at.__cause__ or at.__context__
        return error


here: ContextVar[Visit | None] = ContextVar("stretto_visit", default=None)
"""The visit of the code that runs now, in whatever task or thread; None outside of one, and inside an effect."""

opaque: ContextVar[bool] = ContextVar("stretto_opaque", default=False)
"""Whether the code that runs now is one step as a whole, so that nothing it does can be a step of its own."""


class Seat(Scope):
    """The scope of one call of a visit."""

    __slots__ = ()

    async def frontier(self, wanted: str) -> None:
        """Let something new begin only when all that the visit recorded was asked for again, in whatever order."""
        await super().frontier(wanted)
        deadline = self.run.loop.time() + frontier.CATCH_UP
        while late := self._unasked():
            if self.run.loop.time() > deadline:
                self.run.mismatch(Scope(self.run, late, self.parent, self.worker, self.account), wanted)
            await asyncio.sleep(_LOOK)

    def _unasked(self) -> str | None:
        assert self.parent is not None
        stem = f"{self.parent.key}."
        return next((key for key in self.run.recording.unclaimed if key.startswith(stem)), None)


def _tries(seat: Scope) -> int:
    return RETRY if seat.retry is None else seat.retry
