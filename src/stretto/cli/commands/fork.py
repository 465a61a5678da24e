"""`stretto fork ID --at STEP`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.cli import options
from stretto.cli.carry import carry
from stretto.cli.options import Common, as_json


@click.command("fork")
@click.argument("id")
@click.option("--at", required=True, type=int, metavar="STEP", help="Up to which step; `stretto show ID` numbers them.")
@click.option("--input", "given", metavar="JSON", help="Another input, with --at 0.")
@click.option("--model", metavar="M", help="Another model, for all workers.")
@click.option("--budget", metavar="'$1'", help="Another cap.")
@options.common
def command(common: Common, id: str, at: int, given: str | None, model: str | None, budget: str | None) -> int:
    """A new run that begins as run ID did up to STEP, with today's code; only what differs is done, and paid."""

    async def begin(app: App) -> tuple[str, str]:
        run = await app.get(id)
        fork = await run.fork(at=at, input=as_json(given, "--input"), model=model, budget=budget)
        return fork.id, ""

    return carry(common, begin)
