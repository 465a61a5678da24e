"""`stretto replay ID`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.session import reading
from stretto.cli.terminal import note, out_json


@click.command("replay")
@click.argument("id")
@options.common
def command(common: Common, id: str) -> int:
    """Go through run ID again with no effect allowed: its code must ask for just what is recorded. Else exit code 4."""

    async def work(app: App) -> int:
        run = await app.get(id)
        await run.replay()
        if common.json:
            out_json({"id": id, "same": True, "events": len(run.events)})
        else:
            note(f"run {id} goes the same way again: {len(run.events)} events, no effect")
        return codes.DONE

    return reading(common, work)
