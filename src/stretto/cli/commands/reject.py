"""`stretto reject ID [APPROVAL]`."""

from __future__ import annotations

import click

from stretto.cli import answering, options
from stretto.cli.options import Common
from stretto.core.values import Answer


@click.command("reject")
@click.argument("id")
@click.argument("approval", required=False)
@click.option("--reason", metavar="TEXT", required=True, help="Why not: whoever asked is told.")
@options.by
@options.common
def command(common: Common, id: str, approval: str | None, reason: str, by: str) -> int:
    """Say no to a question of run ID (the only open one, or APPROVAL), and go on with the run."""
    return answering.answer(common, id, approval, by, lambda _: Answer("reject", reason=reason))
