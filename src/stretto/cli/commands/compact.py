"""`stretto compact`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.app.retention import compact
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.session import reading
from stretto.cli.terminal import note, out_json


@click.command("compact")
@options.common
def command(common: Common) -> int:
    """Remove values that no event names, and write the database anew without holes. Other processes wait meanwhile."""

    async def work(app: App) -> int:
        await compact(app.store)
        if common.json:
            out_json({"compacted": app.db})
        else:
            note(f"{app.db} is compact")
        return codes.DONE

    return reading(common, work)
