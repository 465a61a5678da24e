"""`stretto approve ID [APPROVAL]`."""

from __future__ import annotations

import click

from stretto.cli import answering, options
from stretto.cli.options import Common
from stretto.core.values import Answer


@click.command("approve")
@click.argument("id")
@click.argument("approval", required=False)
@click.option("--edit", metavar="JSON", help="Other arguments or content; a question's answer, a budget like '$2'.")
@options.by
@options.common
def command(common: Common, id: str, approval: str | None, edit: str | None, by: str) -> int:
    """Say yes to a question of run ID (the only open one, or APPROVAL), and go on with the run."""
    return answering.answer(common, id, approval, by, lambda asked: Answer("approve", answering.edit(asked, edit)))
