"""`stretto list`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.app.progress import is_pruned
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.result import INTERRUPTED, standing
from stretto.cli.session import has_database, inside
from stretto.cli.terminal import note, out_json, tell
from stretto.cli.words import MICRO, duration, moment
from stretto.core.ports import RunRow
from stretto.core.values import RunState

_ALL = 10_000_000
_STATES = [*(state.value for state in RunState), INTERRUPTED]


@click.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only runs in this state, as it is listed.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="At most so many, newest first."
)
@options.common
def command(common: Common, state: str | None, limit: int) -> int:
    """The runs in the database, newest first.

    A run is interrupted where it is running and no process has it: `stretto resume` goes on with it. Of a pruned run
    only that it was is left.
    """
    if not has_database(common):
        if common.json:
            out_json([])
        else:
            note("no runs yet; `stretto run` starts one")
        return codes.DONE

    async def work(app: App) -> int:
        rows = await _found(app, state, limit)
        pruned = {row.id for row in rows if row.state.ended and is_pruned(await app.store.read(row.id, limit=1))}
        if common.json:
            out_json([
                {"id": row.id, "state": row.state.value, "worker": row.worker, "created": row.created / MICRO,
                 "updated": row.updated / MICRO, "held": row.held, "pruned": row.id in pruned}
                for row in rows
            ])  # fmt: skip
            return codes.DONE
        width = max((len(row.id) for row in rows), default=0)
        for row in rows:
            took = duration(row.updated - row.created)
            stands, more = standing(row, app.db)
            gone = "  · pruned" if row.id in pruned else ""
            tell(f"{row.id:<{width}}  {stands:<11}  {moment(row.created)}  {took:>9}  {row.worker}{more}{gone}")
        if not rows:
            note(f"no run is {state}" if state else "no runs yet; `stretto run` starts one")
        return codes.DONE

    return inside(common, work)


async def _found(app: App, state: str | None, limit: int) -> list[RunRow]:
    """The runs that are listed in a state: the database knows one that was interrupted as running."""
    if state not in (INTERRUPTED, RunState.RUNNING.value):
        return await app.store.runs(state=RunState(state) if state else None, limit=limit)
    rows = await app.store.runs(state=RunState.RUNNING, limit=_ALL)
    return [row for row in rows if standing(row, app.db)[0] == state][:limit]
