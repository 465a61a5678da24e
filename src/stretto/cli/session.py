"""An app, its event loop, and the signals that end it: once lets go of everything, twice leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from stretto.app.host import App
from stretto.app.settings import Environment
from stretto.cli.codes import INTERRUPTED
from stretto.cli.options import Common
from stretto.core.errors import UsageError
from stretto.core.ports import Observer

Work = Callable[[App], Awaitable[int]]
SHOW_CURSOR = "\x1b[?25h"


def has_database(common: Common) -> bool:
    """Whether there is a database to look at."""
    path = database(common).removeprefix("sqlite:///")
    return "://" in path or Path(path).exists()


def reading(common: Common, work: Work) -> int:
    """Do something with runs that exist: it makes no database where there is none."""
    require_database(common)
    return inside(common, work)


def require_database(common: Common) -> None:
    """Refuse to look for a run where there is no database."""
    if not has_database(common):
        raise UsageError(f"there is no database {database(common)}; `stretto run` makes one, --db names another")


def inside(
    common: Common,
    work: Work,
    observers: Sequence[Observer] = (),
    interrupted: Signals | None = None,
    telemetry: str | None = None,
    limits: Mapping[str, str] | None = None,
) -> int:
    """Do something with runs. Ctrl-C or SIGTERM lets go of those held here, says `interrupted.say`, and leaves."""
    app = App(db=common.db, channel="cli", observers=observers, telemetry=telemetry, limits=limits)
    return app.in_own_loop(_guarded(app, work, interrupted or Signals()), for_good=True)


async def _guarded(app: App, work: Work, signals: Signals) -> int:
    with signals:
        try:
            return await work(app)
        except asyncio.CancelledError:
            if not signals.came:
                raise
            await app.close()
            signals.say()
            return _leave()


def database(common: Common) -> str:
    """The database that was named, or that is looked for."""
    return common.db or Environment.here().db


class Signals:
    """What Ctrl-C and SIGTERM do meanwhile."""

    def __init__(self, say: Callable[[], None] = lambda: None) -> None:
        self.say = say
        self.came = 0
        self._deaf = False

    def __enter__(self) -> Signals:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._come)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.remove_signal_handler(number)
        self._deaf = True  # one that came at the very end is on its way still

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """While another program has the terminal, its Ctrl-C is not ours."""
        self._deaf = True
        try:
            yield
        finally:
            self._deaf = False

    def _come(self) -> None:
        if self._deaf:
            return
        self.came += 1
        if self.came > 1:
            if sys.stderr.isatty():
                sys.stderr.write(SHOW_CURSOR)
            _leave()
        elif self._task is not None:
            self._task.cancel()


def _leave() -> NoReturn:
    """Leave now, whatever threads still run: the journal is closed, or safe without it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
