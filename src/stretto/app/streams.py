"""What models say while they say it, for a person to watch. It is never recorded: the journal has the whole in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from weakref import WeakSet

from stretto.core.blobs import fetched
from stretto.core.canonical import encode
from stretto.core.events import Row, StepDone, StepFailed
from stretto.core.messages import Delta, unlink
from stretto.core.scope import task_of
from stretto.core.values import RunState

if TYPE_CHECKING:
    from stretto.app.handle import Run
    from stretto.app.host import App
    from stretto.runtime.scope import Scope

POLL = 0.05
"""Seconds between two looks at a run that another process holds."""
QUIET = 1.0
"""Seconds without news after which it is looked whether a run that is held here still is."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of what a model says: words, or a piece of the arguments (JSON) of a tool that it asks for.

    `worker` says it in `task` (the key of one of `job.tasks`). All pieces of one message have the same `message`, those
    of one tool call in it the same `call`, from 0. The last piece has an `end`: "said" once the message is in the
    journal, "lost" where the model failed, so that what was told of it does not count.
    """

    worker: str
    task: str
    message: str
    text: str = ""
    tool: str = ""
    args: str = ""
    call: int = 0
    end: Literal["", "said", "lost"] = ""


class Listener:
    """One who listens to a run. What is not taken in time grows together: a slow one has longer pieces, and no more."""

    def __init__(self, spoken: Sequence[Part] = (), *, silent: bool = False) -> None:
        self.silent = silent
        self._parts = list(spoken)
        self._news = asyncio.Event()

    def add(self, part: Part) -> None:
        """A model said something."""
        if not self.silent:
            _append(self._parts, part)
            self._news.set()

    def look(self) -> None:
        """Something was recorded."""
        self._news.set()

    def take(self) -> list[Part]:
        """What was said since the last time."""
        parts, self._parts = self._parts, []
        return parts

    async def wait(self, seconds: float) -> None:
        """Wait for news, so long at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()


class Voices:
    """The listeners of an app's runs. Models are asked to stream where somebody listens, or `always`."""

    def __init__(self, *, always: bool = False) -> None:
        self.always = always
        self._listeners: dict[str, WeakSet[Listener]] = {}
        self._spoken: dict[str, dict[str, list[Part]]] = {}
        """What was said so far of messages that are not recorded yet, by run and message."""

    def listen(self, run: str, *, silent: bool = False) -> Listener:
        """Listen to a run, from the beginning of what is being said, until the listener is forgotten.

        A `silent` one wants to know that there is news, and models need not stream for it.
        """
        listener = Listener([part for parts in self._spoken.get(run, {}).values() for part in parts], silent=silent)
        self._listeners = {run: listeners for run, listeners in self._listeners.items() if listeners}
        self._listeners.setdefault(run, WeakSet()).add(listener)
        return listener

    def of(self, scope: Scope, ident: str) -> Callable[[Delta], None] | None:
        """See `Surroundings.listeners`."""
        run = scope.run.id
        listeners = self._listeners.get(run)
        if not self.always and (not listeners or all(listener.silent for listener in listeners)):
            return None
        whole = Part(scope.worker, task_of(scope.key), _message(scope.key, ident))
        parts = self._spoken.setdefault(run, {})[whole.message] = []

        def hear(delta: Delta) -> None:
            part = replace(whole, text=delta.text, tool=delta.tool, args=delta.args, call=delta.call)
            _append(parts, part)
            for listener in self._listeners.get(run, ()):
                listener.add(part)

        return hear

    def see(self, rows: Sequence[Row]) -> None:
        """See `Observer`."""
        for row in rows:
            if row.run in self._spoken and row.ident.startswith("model ") and row.kind in _ENDS:
                self._spoken[row.run].pop(_message(row.scope, row.ident), None)
            if row.run in self._spoken and (not self._spoken[row.run] or row.kind in _RESTS):
                del self._spoken[row.run]
            for listener in self._listeners.get(row.run, ()):
                listener.look()


_ENDS = (StepDone.kind, StepFailed.kind)
_RESTS = ("run_finished", "run_failed", "run_cancelled", "run_parked")


async def stream(run: Run, app: App, after: int, listener: Listener) -> AsyncIterator[Part]:
    """What the run's models say, recorded behind event `after` or being said, until it has ended or waits."""
    hearing = Hearing(run, app, after, listener)
    while True:
        is_at_rest = await at_rest(app, run.id)
        for part in await hearing.news():
            yield part
        if is_at_rest:
            return
        await listener.wait(QUIET if app.drives(run.id) else POLL)


async def at_rest(app: App, id: str) -> bool:
    """Whether the run has ended, or waits, or nobody goes on with it."""
    row = await app.store.find(id)
    if row is None:  # it has just been started, and its first event is on its way
        return not app.drives(id)
    return row.state is not RunState.RUNNING or not (row.held or app.drives(id))


class Hearing:
    """What a listener is told: pieces as they are said, and the rest of a message once it is in the journal."""

    def __init__(self, run: Run, app: App, after: int, listener: Listener) -> None:
        self._run, self._app, self._after, self._listener = run, app, after, listener
        self._text: dict[str, str] = {}
        self._calls: set[str] = set()
        self._over: set[str] = set()

    async def news(self) -> list[Part]:
        """What was said and recorded since the last time."""
        parts = [part for part in self._listener.take() if self._adds(part)]
        await self._run.refresh()
        for row in self._run.events[self._after + 1 :]:
            self._after = row.seq
            parts += await self._recorded(row)
        return parts

    def _adds(self, part: Part) -> bool:
        """Whether a piece is news: its message may have been told from the journal already."""
        if part.message in self._over:
            return False
        self._text[part.message] = self._text.get(part.message, "") + part.text
        if part.tool:
            self._calls.add(part.message)
        return True

    async def _recorded(self, row: Row) -> list[Part]:
        """The end of a message that is now in the journal, with all of it that was not told while it was said."""
        if not row.ident.startswith("model ") or row.kind not in _ENDS:
            return []
        task = self._run.view.tasks.get(task_of(row.scope))
        whole = Part(task.worker if task else self._run.view.worker, task_of(row.scope), _message(row.scope, row.ident))
        self._over.add(whole.message)
        told = self._text.pop(whole.message, "")
        event = row.event()
        if not isinstance(event, StepDone):
            return [replace(whole, end="lost")] if told or whole.message in self._calls else []
        result = await fetched(event.result, self._app.store.blob)
        _, message = unlink(await self._app.store.blob(result["message"]))
        parts = []
        if message.text.startswith(told) and message.text != told:
            parts.append(replace(whole, text=message.text[len(told) :]))
        if whole.message not in self._calls:
            parts += [
                replace(whole, tool=call.name, args=encode(call.args).decode(), call=number)
                for number, call in enumerate(message.calls)
            ]
        return [*parts, replace(whole, end="said")]


def _append(parts: list[Part], part: Part) -> None:
    """Add a piece; one that goes on with the last becomes one with it."""
    last = parts[-1] if parts else None
    if last is not None and (last.message, last.tool, last.call) == (part.message, part.tool, part.call):
        parts[-1] = replace(last, text=last.text + part.text, args=last.args + part.args)
    else:
        parts.append(part)


def _message(scope: str, ident: str) -> str:
    return f"{scope} {ident}"
