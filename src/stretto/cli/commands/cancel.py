"""`stretto cancel ID`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.result import as_object
from stretto.cli.session import reading
from stretto.cli.terminal import note, out_json
from stretto.core.errors import UsageError


@click.command("cancel")
@click.argument("id")
@click.option("--reason", metavar="TEXT", default="", help="Why.")
@options.by
@options.common
def command(common: Common, id: str, reason: str, by: str) -> int:
    """Stop run ID, wherever it is carried on. What it has begun is recorded, and may be undone."""

    async def work(app: App) -> int:
        run = await app.get(id)
        if run.view.state.ended:
            raise UsageError(f"run {id} is {run.state} already; only a run that is not finished can be cancelled")
        await run.cancel(by=by, reason=reason)
        if common.json:
            out_json(as_object(run))
        else:
            note(f"run {id} is {run.state}")
        return codes.DONE

    return reading(common, work)
