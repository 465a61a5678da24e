"""Carrying a run on from the command line: started or taken up, shown, answered, and left with the right words."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from stretto.app.handle import Run
from stretto.app.host import App
from stretto.cli import codes
from stretto.cli.follow import Follower
from stretto.cli.options import Common, user
from stretto.cli.plain import PlainLines
from stretto.cli.result import as_object, leave
from stretto.cli.session import Signals, inside, require_database
from stretto.cli.terminal import can_ask, can_show, command, note, out_json
from stretto.cli.watch import Display, Silent, Watch
from stretto.core.errors import UsageError

if TYPE_CHECKING:
    from stretto.cli.question import Questions
    from stretto.cli.speech import Speech

End = Callable[[Run, App], Awaitable[int]]
Begin = Callable[[App], Awaitable[tuple[str, str]]]
"""Starts, answers or takes up a run; gives its id, and the question or signal that was answered, if one was."""


def carry(
    common: Common,
    begin: Begin,
    *,
    id: str | None = None,
    new: bool = False,
    by: str = "",
    standing: Iterable[str] = (),
    telemetry: str | None = None,
    limits: Mapping[str, str] | None = None,
    speech: Speech | None = None,
    end: End | None = None,
) -> int:
    """See a run through from where `begin` leaves it. `id` is its id, where one is known before; a `new` one
    may be the first in its database.

    `speech` says aloud what models say meanwhile; `end` says in the end how the run stands, in place of `leave`.
    """
    if not new:
        require_database(common)
    display = _display(common)
    watch = Watch(display)
    signals = Signals()

    async def work(app: App) -> int:
        if id is not None:
            await watch.catch_up(app.store, id, quietly=True)
        signals.say = lambda: _let_go(watch, app.db)
        known, before = len(watch.declined), watch.view.seq
        run, wait = await begin(app)
        if speech is not None:
            speech.listen(app, run, before)
        if display.is_live:
            watch.listener = app.voices.listen(run)
        follower = Follower(app, run, watch, by or user(), questions_for(common, signals), standing, speech)
        if wait and not app.drives(run) and await follower.is_taken(wait):
            return _handed_over(await app.get(run), common)
        rested = await follower.to_rest()
        if len(watch.declined) > known and follower.is_alone:
            raise UsageError(f"the answer was not taken: {watch.declined[-1].reason}")
        if end is not None:
            return await end(rested, app)
        return leave(rested, common, app.db, told=speech.said if speech else "")

    return inside(common, work, [watch], signals, telemetry, limits)


def _handed_over(run: Run, common: Common) -> int:
    if common.json:
        out_json(as_object(run))
    else:
        note(f"taken; the process that holds run {run.id} goes on with it")
    return codes.DONE


def _display(common: Common) -> Display:
    if common.json:
        return Silent()
    if can_show():  # drawing is slow to import, and of no use in a pipe
        display: Display = importlib.import_module("stretto.cli.live").LiveTree()
        return display
    return PlainLines()


def questions_for(common: Common, signals: Signals) -> Questions | None:
    """Who asks at this terminal, if anybody sits here."""
    if common.json or not can_ask():
        return None
    questions: Questions = importlib.import_module("stretto.cli.question").Questions(signals.elsewhere)
    return questions


def _let_go(watch: Watch, db: str) -> None:
    id = watch.view.id
    if id:
        note(f"\nlet go of run {id}; all that it has done is kept. To go on: {command(db, 'resume', id)}")
    else:
        note("\ninterrupted; nothing had begun")
