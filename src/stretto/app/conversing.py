"""Talking with a run: what is said goes to its inbox, and the reply is what the journal has after it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Final

from stretto.app.questions import declined
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


async def say(run: Run, app: App, message: object, by: str, key: str | None) -> str:
    """Post what is said, and see that somebody goes on with the run; the letter's key. One key is said once."""
    await run.refresh()
    value = await _fitting(run, app, carried(message))
    letter = f"signal {SAID} {key or secrets.token_hex(6)}"
    answer = {"decision": "answer", "value": value, "by": by, "channel": app.channel}
    if key is None or _taken(run.events, letter) is None:
        _refuse_deaf(run)
        await app.store.post(Letter(run.id, letter, encode({"signal": SAID, "answer": answer})))
    return letter


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


def _refuse_deaf(run: Run) -> None:
    match run.view.state:
        case RunState.FAILED:
            raise UsageError(
                f"run {run.id} failed, so nobody answers; `stretto resume {run.id}` (or run.resume()) tries again there, "
                "then it can be told more"
            )
        case RunState.CANCELLED:
            raise UsageError(f"run {run.id} was cancelled, so nobody answers; start a new run")
        case _:
            return


async def replied(run: Run, app: App, letter: str | None, *, plain: bool = False) -> object:
    """The reply to a letter, or to what was said last; raises what keeps it from coming. `plain`: as data."""
    listener, waiting = app.voices.listen(run.id, silent=True), _Waiting(run, app, letter)
    while not await waiting.is_over():
        await listener.wait(QUIET if app.drives(run.id) else POLL)
    if app.drives(run.id) and await app.converses(run.id) and not await app.store.letters(run.id):
        await app.settled(run.id)  # it is about to end or to be parked
    row = waiting.reply()
    event = row.event()
    said = event.output if isinstance(event, RunFinished) else event.content if isinstance(event, Asked) else None
    reply = await fetched(said, app.store.blob)
    if plain or (row.kind == Asked.kind and not await app.converses(run.id)):  # what a workflow says has no type
        return reply
    return app.known.revived(run.worker or run.view.worker, reply)


async def speech(
    run: Run, app: App, listener: Listener, said: object, by: str, key: str | None, after: int | None
) -> AsyncIterator[Part]:
    """See `Run.stream`."""
    await run.refresh()
    if said is None:
        begins = turn_begins(run.events) if after is None else after
        async for part in stream(run, app, begins, listener):
            yield part
        return
    letter = await say(run, app, said, by, key)
    waiting, begins = _Waiting(run, app, letter), len(run.events) - 1
    while not await waiting.is_over():
        async for part in stream(run, app, begins, listener):
            yield part
        begins = len(run.events) - 1


def turn_begins(rows: Iterable[Row]) -> int:
    """The event behind which the answer to what was said last is found: -1 where nothing was said but the input."""
    return max((row.seq for row in rows if _is_heard(row, None)), default=-1)


class _Waiting:
    """Until a letter is answered, or it is known that it will not be by itself."""

    def __init__(self, run: Run, app: App, letter: str | None) -> None:
        self._run, self._app, self._letter = run, app, letter
        self._tries = 0

    async def is_over(self) -> bool:
        """Whether there is nothing more to wait for; takes a run up that nobody goes on with."""
        run, app = self._run, self._app
        await run.refresh()
        if self._reply() is not None or self._declined() is not None:
            return True
        row = await app.store.find(run.id)
        if row is None or app.drives(run.id) or (row.state is RunState.RUNNING and row.held):
            return False
        await run.refresh()
        heard = self._letter is None or _taken(run.events, self._letter) is not None
        if run.view.state in (RunState.FAILED, RunState.CANCELLED) or (
            heard and run.view.state is not RunState.RUNNING
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
        if (refused := self._declined()) is not None:
            raise UsageError(f"run {self._run.id} did not take what was said: {refused.reason}")
        if (row := self._reply()) is not None:
            return row
        if self._run.view.state is not RunState.DONE:
            self._run.conclude()  # which raises
        raise UsageError(f"run {self._run.id} has ended, and did not listen to what was said")

    def _reply(self) -> Row | None:
        """The event with the reply: the run's end, or the question that waits for what is said next."""
        rows = self._run.events
        said = _taken(rows, self._letter)
        if said is None and self._letter is not None:
            return None
        begins, scope = (said.seq + 1, said.scope) if said is not None else (0, ROOT)
        return next((row for row in rows[begins:] if _replies(row, scope)), None)

    def _declined(self) -> Declined | None:
        return declined(self._run.events, self._letter)


def _taken(rows: Iterable[Row], letter: str | None) -> Row | None:
    """The event that took a letter, or the last one of a conversation."""
    return next((row for row in reversed(list(rows)) if _is_heard(row, letter)), None)


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
