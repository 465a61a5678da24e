"""`stretto resume ID`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import options
from stretto.cli.carry import carry
from stretto.cli.options import Common


@click.command("resume")
@click.argument("id")
@options.common
def command(common: Common, id: str) -> int:
    """Go on with run ID: after a crash, an answer, or a failure that was mended. Finished tasks are kept."""

    async def begin(app: App) -> tuple[str, str]:
        run = await app.get(id)
        await run.resume()
        return id, ""

    return carry(common, begin, id=id)
