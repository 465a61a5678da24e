"""`stretto list`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.result import standing
from stretto.cli.session import has_database, inside
from stretto.cli.terminal import note, out_json, tell
from stretto.cli.words import MICRO, duration, moment
from stretto.core.values import RunState


@click.command("list")
@click.option("--state", type=click.Choice([state.value for state in RunState]), help="Only runs in this state.")
@click.option("--limit", default=50, show_default=True, metavar="N", help="At most so many, newest first.")
@options.common
def command(common: Common, state: str | None, limit: int) -> int:
    """The runs in the database, newest first."""
    if not has_database(common):
        if common.json:
            out_json([])
        else:
            note("no runs yet; `stretto run` starts one")
        return codes.DONE

    async def work(app: App) -> int:
        rows = await app.store.runs(state=RunState(state) if state else None, limit=limit)
        if common.json:
            out_json([
                {"id": row.id, "state": row.state.value, "worker": row.worker, "created": row.created / MICRO,
                 "updated": row.updated / MICRO, "held": row.held}
                for row in rows
            ])  # fmt: skip
            return codes.DONE
        width = max((len(row.id) for row in rows), default=0)
        for row in rows:
            took = duration(row.updated - row.created)
            stands, more = standing(row, app.db)
            tell(f"{row.id:<{width}}  {stands:<11}  {moment(row.created)}  {took:>9}  {row.worker}{more}")
        return codes.DONE

    return inside(common, work)
