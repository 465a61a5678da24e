"""`stretto resolve ID STEP done|repeat|abort`."""

from __future__ import annotations

import click

from stretto.cli import answering, options
from stretto.cli.options import Common, as_json
from stretto.core.values import Answer


@click.command("resolve")
@click.argument("id")
@click.argument("step")
@click.argument("decision", type=click.Choice(["done", "repeat", "abort"]))
@click.option("--result", metavar="JSON", help="With done: what the step gave.")
@options.by
@options.common
def command(common: Common, id: str, step: str, decision: str, result: str | None, by: str) -> int:
    """Settle a step of run ID of which it is not known whether it happened, and go on with the run.

    done: it happened, with --result. repeat: it did not, make it now. abort: give it up.
    """
    return answering.answer(common, id, step, by, lambda _: Answer(decision, as_json(result, "--result")))
