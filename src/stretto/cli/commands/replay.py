"""`stretto replay ID`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import options
from stretto.cli.options import Common
from stretto.cli.result import noted
from stretto.cli.session import reading


@click.command("replay")
@click.argument("id")
@options.common
def command(common: Common, id: str) -> int:
    """Go through run ID again with no effect allowed: its code must ask for just what is recorded. Else exit code 4."""

    async def work(app: App) -> int:
        run = await app.get(id)
        await run.replay()
        count = len(run.events)
        told = f"run {id} goes the same way again: {count} events, no effect"
        return noted(common, {"id": id, "same": True, "events": count}, told)

    return reading(common, work)
