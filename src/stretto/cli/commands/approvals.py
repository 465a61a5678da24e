"""`stretto approvals [ID]`."""

from __future__ import annotations

from typing import Any

import click

from stretto.app.handle import Run
from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.result import about, ways
from stretto.cli.session import has_database, reading
from stretto.cli.terminal import command as whole_command
from stretto.cli.terminal import in_line, note, out_json, pretty, safe, tell
from stretto.core.values import RunState

KINDS = ("approval", "question", "review", "doubt", "budget")


@click.command("approvals")
@click.argument("id", required=False)
@options.common
def command(common: Common, id: str | None) -> int:
    """What run ID, or any run, waits for from a person."""
    if id is None and not has_database(common):
        if common.json:
            out_json([])
        return codes.DONE

    async def work(app: App) -> int:
        runs = [await app.get(id)] if id else await _unfinished(app)
        found = [asked for run in runs for asked in run.approvals if asked["kind"] in KINDS]
        if common.json:
            out_json(found)
        elif found:
            tell("\n\n".join(_told(asked, app.db) for asked in found))
        else:
            note("nothing waits for a person")
        return codes.DONE

    return reading(common, work)


async def _unfinished(app: App) -> list[Run]:
    rows = [row for state in (RunState.WAITING, RunState.RUNNING) for row in await app.store.runs(state=state)]
    return [await app.get(row.id) for row in sorted(rows, key=lambda row: row.created)]


def _told(asked: dict[str, Any], db: str) -> str:
    lines = [f"{asked['run']}  {about(asked)}"]
    lines += [f"  {name}  {in_line(pretty(value), 100)}" for name, value in (asked["args"] or {}).items()]
    if asked["content"] is not None:
        lines += ["", *(f"  {line}" for line in safe(pretty(asked["content"])).split("\n")), ""]
    if asked["preview"]:
        lines += ["", *(f"  {line}" for line in safe(asked["preview"]).split("\n")), ""]
    lines += [f"  {meaning:<10} {whole_command(db, *words)}" for meaning, words in ways(asked)]
    return "\n".join(lines)
