"""`stretto send ID SIGNAL [JSON]`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import options
from stretto.cli.carry import carry
from stretto.cli.options import Common, as_json


@click.command("send")
@click.argument("id")
@click.argument("signal")
@click.argument("value", metavar="[JSON]", required=False)
@options.by
@options.common
def command(common: Common, id: str, signal: str, value: str | None, by: str) -> int:
    """Send SIGNAL to run ID, and go on with the run; what it does not wait for yet is kept until it does."""
    sent = as_json(value, "the signal's value")

    async def begin(app: App) -> tuple[str, str]:
        run = await app.get(id)
        wait = next(
            (asked["id"] for asked in run.approvals if (asked["kind"], asked["prompt"]) == ("signal", signal)), ""
        )
        await run.send(signal, sent, by=by)
        return id, wait or signal

    return carry(common, begin, id=id, by=by)
