"""`stretto prune --older-than 90d`."""

from __future__ import annotations

import time

import click

from stretto.app.host import App
from stretto.app.retention import prune
from stretto.cli import options
from stretto.cli.options import Common
from stretto.cli.result import noted
from stretto.cli.session import reading
from stretto.cli.words import MICRO, counted
from stretto.core.values import seconds


@click.command("prune")
@click.option("--older-than", "age", required=True, metavar="90d", help="Runs that ended longer ago than that.")
@click.option("--keep-failed", is_flag=True, help="Leave failed runs as they are: they can be resumed.")
@options.by
@options.common
def command(common: Common, age: str, keep_failed: bool, by: str) -> int:
    """Remove what old runs say: inputs, results, messages, answers. That they were, and in which order, stays proven.

    `stretto audit verify` goes on checking them; `stretto compact` gives the room back.
    """
    old = int(seconds(age) * MICRO)

    async def work(app: App) -> int:
        now = time.time_ns() // 1000
        pruned = await prune(app.store, before=now - old, by=by, now=now, keep_failed=keep_failed)
        return noted(common, {"pruned": pruned}, f"{counted(len(pruned), 'run')} pruned")

    return reading(common, work)
