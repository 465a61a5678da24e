"""`stretto export ID`."""

from __future__ import annotations

from pathlib import Path

import click

from stretto.app.host import App
from stretto.app.progress import refuse_pruned
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.session import reading
from stretto.cli.terminal import note, out
from stretto.cli.words import counted
from stretto.core.errors import UsageError
from stretto.core.events import Row
from stretto.telemetry.otel import OpenTelemetry


@click.command("export")
@click.argument("id")
@click.option("--out", "where", metavar="FILE", help="Where to; without it, to stdout.")
@click.option("--otlp", metavar="URL", help="Send it as spans to this OpenTelemetry collector, or to env.")
@click.option("--contents", is_flag=True, help="With --otlp: prompts, answers, arguments and results as well.")
@options.common
def command(common: Common, id: str, where: str | None, otlp: str | None, contents: bool) -> int:
    """The events of run ID as JSON lines, with their hashes: `stretto audit verify FILE` checks them."""
    if contents and not otlp:
        raise UsageError("--contents says what spans carry; it goes with --otlp URL")
    collector = OpenTelemetry(otlp, with_contents=contents) if otlp else None

    async def work(app: App) -> int:
        run = await app.get(id)
        if collector is not None:
            refuse_pruned(run.events)
            note(f"{counted(await collector.export(run.events, app.store.blob), 'span')} sent to {otlp}")
        if collector is None or where is not None:
            _write(run.events, where)
        return codes.DONE

    return reading(common, work)


def _write(rows: list[Row], where: str | None) -> None:
    text = b"\n".join(row.line() for row in rows).decode()
    if where is None:
        out(text)
        return
    try:
        Path(where).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{where} cannot be written: {error.strerror}") from error
    note(f"{len(rows)} events in {where}")
