"""`stretto compact`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.app.retention import compact
from stretto.cli import options
from stretto.cli.options import Common
from stretto.cli.result import noted
from stretto.cli.session import reading


@click.command("compact")
@options.common
def command(common: Common) -> int:
    """Remove values that no event names, and write the database anew without holes. Other processes wait meanwhile."""

    async def work(app: App) -> int:
        await compact(app.store)
        return noted(common, {"compacted": app.db}, f"{app.db} is compact")

    return reading(common, work)
