"""Talking with a run: what is said goes to its inbox, and the reply is what the journal has after it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stretto.app.streams import POLL, QUIET, Listener, Part, stream
from stretto.core.blobs import fetched
from stretto.core.canonical import decode, encode
from stretto.core.errors import UsageError
from stretto.core.events import Answered, Asked, Declined, Row, RunFinished
from stretto.core.media import carried
from stretto.core.ports import Letter
from stretto.core.values import RunState, Settings
from stretto.runtime.functions import SAID
from stretto.runtime.recording import ROOT

if TYPE_CHECKING:
    from stretto.app.handle import Run
    from stretto.app.host import App

UNSAID: Final = object()
"""Stands for an input that was not given: an agent's run then begins by listening."""
_TRIES = 3
"""How often a run is taken up for a message that it does not take."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said: the key of the letter that brings it, and the event behind which it is answered."""

    letter: str
    after: int


async def say(run: Run, app: App, message: object, by: str, key: str | None) -> Said:
    """Post what is said, and see that somebody goes on with the run. One key is said once."""
    await run.refresh()
    value = await _fitting(run, app, carried(message))
    letter = f"signal {SAID} {key or secrets.token_hex(6)}"
    answer = {"decision": "answer", "value": value, "by": by, "channel": app.channel}
    after = len(run.rows) - 1
    if run.view.state in _DEAF and not (key is not None and any(_is_heard(row, letter) for row in run.rows)):
        _refuse_deaf(run)
    new = await app.store.post(Letter(run.id, letter, encode({"signal": SAID, "answer": answer})))
    return Said(letter, after if new else -1)


async def _fitting(run: Run, app: App, message: object) -> Any:
    """The message as the conversation's worker takes it, as JSON; a run that ended must have one who goes on."""
    worker = await app.worker_of(run.id, must=run.view.state is RunState.DONE)
    if worker is None or not getattr(worker, "converses", False):
        if run.view.state is RunState.DONE:
            raise UsageError(
                f"run {run.id} is done, and only the run of an agent goes on after that; a workflow that talks waits for "
                "what is said, with `said = await listen(reply)`, before it returns"
            )
        return decode(encode(message))
    try:
        return decode(app.around(Settings()).secrets.stored(worker.takes, message)[0])
    except ValueError as error:
        raise UsageError(f"{worker.name} cannot be told this: it does not fit: {error}") from error


_DEAF = (RunState.FAILED, RunState.CANCELLED)


def _refuse_deaf(run: Run) -> None:
    if run.view.state is RunState.CANCELLED:
        raise UsageError(f"run {run.id} was cancelled, so nobody answers; start a new run")
    raise UsageError(
        f"run {run.id} failed, so nobody answers; `stretto resume {run.id}` (or run.resume()) tries again there, "
        "then it can be told more"
    )


async def replied(run: Run, app: App, said: Said | None, *, plain: bool = False) -> object:
    """The reply to what was said, or was said last; raises what keeps it from coming. `plain`: as data."""
    listener, waiting = app.voices.listen(run.id, silent=True), _Waiting(run, app, said)
    while not await waiting.is_over():
        await listener.wait(QUIET if app.drives(run.id) else POLL)
    if app.drives(run.id) and await converses(app, run.id) and not await app.store.letters(run.id):
        await app.settled(run.id)  # it is about to end or to be parked
    row = waiting.reply()
    event = row.event()
    told = event.output if isinstance(event, RunFinished) else event.content if isinstance(event, Asked) else None
    reply = await fetched(told, app.store.blob)
    if plain or (row.kind == Asked.kind and not await converses(app, run.id)):  # what a workflow says has no type
        return reply
    return app.known.revived(run.worker or run.view.worker, reply)


async def converses(app: App, id: str) -> bool:
    """Whether a run goes on after its answer when it is told more, as that of an agent does."""
    return bool(getattr(await app.worker_of(id), "converses", False))


async def speech(
    run: Run, app: App, listener: Listener, said: object, by: str, key: str | None, after: int | None
) -> AsyncIterator[Part]:
    """See `Run.stream`."""
    await run.refresh()
    if said is None:
        begins = turn_begins(run.rows) if after is None else after
        async for part in stream(run, app, begins, listener):
            yield part
        return
    waiting, begins = _Waiting(run, app, await say(run, app, said, by, key)), len(run.rows) - 1
    while not await waiting.is_over():
        async for part in stream(run, app, begins, listener):
            yield part
        begins = len(run.rows) - 1


def turn_begins(rows: Sequence[Row]) -> int:
    """The event behind which the answer to what was said last is found: -1 where nothing was said but the input."""
    return next((row.seq for row in reversed(rows) if _is_heard(row, None)), -1)


class _Waiting:
    """Until what was said is answered, or it is known that it will not be by itself. Each event is looked at once."""

    def __init__(self, run: Run, app: App, said: Said | None) -> None:
        self._run, self._app, self._said = run, app, said
        self._next = -1 if said is None else said.after + 1
        self._scope = ""
        """Where it was taken; empty until then."""
        self._reply: Row | None = None
        self._declined: Declined | None = None
        self._tries = 0

    async def is_over(self) -> bool:
        """Whether there is nothing more to wait for; takes a run up that nobody goes on with."""
        run, app = self._run, self._app
        if await self._is_answered():
            return True
        row = await app.store.find(run.id)
        if row is not None and row.state is not RunState.RUNNING:
            await app.settled(run.id)  # it is about to be unloaded, where it still is here
        if row is None or app.drives(run.id) or row.held:  # somebody is taking it up, or has
            return False
        if (
            await self._is_answered()
            or run.view.state in _DEAF
            or (self._scope and run.view.state is not RunState.RUNNING)
        ):
            return True
        await app.settled(run.id)  # raises what stopped it short of an end
        self._tries += 1
        if self._tries > _TRIES:
            return True
        await app.take_up(run.id)
        return False

    def reply(self) -> Row:
        """The event with the reply; raises why there is none."""
        if self._declined is not None:
            raise UsageError(f"run {self._run.id} did not take what was said: {self._declined.reason}")
        if self._reply is not None:
            return self._reply
        if self._run.view.state is not RunState.DONE:
            self._run.conclude()  # which raises
        raise UsageError(f"run {self._run.id} has ended, and did not listen to what was said")

    async def _is_answered(self) -> bool:
        """Whether the reply is there, or that there will be none: the run's end, or the question that waits for more."""
        rows = (await self._run.refresh()).rows
        if self._next < 0 and rows:
            self._next = turn_begins(rows) + 1
            self._scope = rows[self._next - 1].scope if self._next else ROOT
        for row in rows[self._next :] if self._next >= 0 else ():
            self._look(row)
        self._next = len(rows) or self._next
        return self._reply is not None or self._declined is not None

    def _look(self, row: Row) -> None:
        if self._scope:
            self._reply = self._reply or (row if _replies(row, self._scope) else None)
        elif self._said is not None and _is_heard(row, self._said.letter):
            self._scope = row.scope
        elif self._said is not None and row.kind == Declined.kind:
            event = row.event()
            self._declined = event if isinstance(event, Declined) and event.letter == self._said.letter else None


def _is_heard(row: Row, letter: str | None) -> bool:
    if row.kind != Answered.kind or not row.ident.startswith(f"signal {SAID} "):
        return False
    event = row.event()
    return isinstance(event, Answered) and event.decision == "answer" and letter in (None, event.letter)


def _replies(row: Row, scope: str) -> bool:
    if row.kind == RunFinished.kind:
        return True
    if row.kind != Asked.kind or row.scope != scope or not row.ident.startswith(f"signal {SAID} "):
        return False
    asked = row.event()
    return isinstance(asked, Asked) and asked.content is not None
