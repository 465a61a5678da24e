"""`stretto undo ID`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import options
from stretto.cli.carry import carry
from stretto.cli.options import Common


@click.command("undo")
@click.argument("id")
@options.by
@options.common
def command(common: Common, id: str, by: str) -> int:
    """Take back what run ID did, the last call first, in a run of its own.

    Each call is taken back by what its tool declares as its undo, an action that asks as the tool does. What cannot be
    taken back is listed in the output, with the reason.
    """

    async def begin(app: App) -> tuple[str, str]:
        run = await app.get(id)
        return (await run.undo(by=by)).id, ""

    return carry(common, begin, by=by)
