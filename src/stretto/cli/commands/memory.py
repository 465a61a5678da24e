"""`stretto memory search QUERY`, `list`, `forget ID`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.listing import width
from stretto.cli.options import Common
from stretto.cli.result import shown
from stretto.cli.session import reading
from stretto.cli.terminal import in_line, note, out_json, tell
from stretto.cli.words import MICRO, moment
from stretto.core.errors import UsageError
from stretto.runtime.clock import SystemClock
from stretto.runtime.notebook import Notebook, Recollection

_space = click.option("--space", default="", metavar="NAME", help='The memory of that name: Memory("NAME").')
_limit = click.option("--limit", default=20, show_default=True, metavar="N", help="At most so many.")
_since = click.option("--since", metavar="7d", help="Only from the last so much time.")


@click.group("memory")
def command() -> None:
    """What is remembered across runs, and what runs said: each with the run that it comes from."""


@command.command("search")
@click.argument("query")
@_space
@_limit
@_since
@options.common
def search(common: Common, query: str, space: str, limit: int, since: str | None) -> int:
    """What is known about QUERY, best first."""
    return _shown(common, space, query, limit, since)


@command.command("list")
@_space
@_limit
@_since
@options.common
def newest(common: Common, space: str, limit: int, since: str | None) -> int:
    """What is known, newest first."""
    return _shown(common, space, "", limit, since)


@command.command("forget")
@click.argument("id")
@_space
@options.common
def forget(common: Common, id: str, space: str) -> int:
    """Remove the memory ID. What a run said by itself goes with the run: `stretto prune`."""

    async def work(app: App) -> int:
        if not await _book(app).forget(space, id):
            raise UsageError(f"there is no memory {id}; `stretto memory list` shows what is remembered")
        return shown(common, {"forgotten": id}, [f"forgot {id}"])

    return reading(common, work)


def _shown(common: Common, space: str, query: str, limit: int, since: str | None) -> int:
    async def work(app: App) -> int:
        found = await _book(app).recall(space, query, limit, since)
        if common.json:
            out_json([asdict(one) for one in found])
        elif not found:
            note("nothing is known" + (f" about {query!r}" if query else ""))
        else:
            tell("\n".join(_lines(found)))
        return codes.DONE

    return reading(common, work)


def _book(app: App) -> Notebook:
    return Notebook(app.store, "", SystemClock().now)


def _lines(found: Sequence[Recollection]) -> list[str]:
    ids, runs = max(len(one.id) for one in found), max(len(one.run) for one in found)
    lines = []
    for one in found:
        head = f"{one.id:>{ids}}  {moment(one.time * MICRO)}  {one.run:<{runs}}  {one.kind:<6}  "
        about = f"{in_line(one.about, 40)}: " if one.about else ""
        lines.append(head + in_line(about + one.text, max(20, width() - len(head))))
    return lines
