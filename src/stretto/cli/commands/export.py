"""`stretto export ID`."""

from __future__ import annotations

from pathlib import Path

import click

from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.session import reading
from stretto.cli.terminal import note, out
from stretto.core.errors import UsageError


@click.command("export")
@click.argument("id")
@click.option("--out", "where", metavar="FILE", help="Where to; without it, to stdout.")
@options.common
def command(common: Common, id: str, where: str | None) -> int:
    """The events of run ID as JSON lines, with their hashes: `stretto audit verify FILE` checks them."""

    async def work(app: App) -> int:
        run = await app.get(id)
        _write(b"\n".join(row.line() for row in run.events).decode(), where)
        return codes.DONE

    return reading(common, work)


def _write(text: str, where: str | None) -> None:
    if where is None:
        out(text)
        return
    try:
        Path(where).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{where} cannot be written: {error.strerror}") from error
    note(f"{text.count(chr(10)) + 1} events in {where}")
