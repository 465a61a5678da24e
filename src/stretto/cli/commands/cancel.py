"""`stretto cancel ID`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import options
from stretto.cli.options import Common
from stretto.cli.result import as_object, noted
from stretto.cli.session import reading


@click.command("cancel")
@click.argument("id")
@click.option("--reason", metavar="TEXT", default="", help="Why.")
@options.by
@options.common
def command(common: Common, id: str, reason: str, by: str) -> int:
    """Stop run ID, wherever it is carried on. What it has begun is recorded, and may be undone."""

    async def work(app: App) -> int:
        run = await app.get(id)
        await run.cancel(by=by, reason=reason)
        return noted(common, as_object(run), f"run {id} is {run.state}")

    return reading(common, work)
