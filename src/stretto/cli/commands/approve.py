"""`stretto approve ID [APPROVAL]`, `... --all TOOL [--where CONDITION]`, `... --all-open`."""

from __future__ import annotations

import click

from stretto.app.handle import Run
from stretto.app.host import App
from stretto.cli import answering, options
from stretto.cli.carry import carry
from stretto.cli.options import Common
from stretto.core.errors import UsageError
from stretto.core.values import Answer


@click.command("approve")
@click.argument("id")
@click.argument("approval", required=False)
@click.option(
    "--edit",
    "edits",
    multiple=True,
    metavar="NAME=VALUE|JSON",
    help="Arguments of a call that change, as often as needed; other content; a question's answer; a budget like '$2'.",
)
@click.option("--all", "tool", metavar="TOOL", help="All calls of TOOL in this run, open and to come.")
@click.option("--where", metavar="CONDITION", help="With --all: only such calls, as amount < 50 and currency == 'EUR'.")
@click.option("--all-open", is_flag=True, help="Every call that waits now, whatever its tool.")
@options.by
@options.common
def command(
    common: Common,
    id: str,
    approval: str | None,
    edits: tuple[str, ...],
    tool: str | None,
    where: str | None,
    all_open: bool,
    by: str,
) -> int:
    """Say yes to a question of run ID (the only open one, or APPROVAL), and go on with the run.

    With --edit amount=40 a call is made with that argument instead; the others stay as they were shown.
    """
    several = tool is not None or all_open
    if several and (approval is not None or edits or (tool is not None and all_open)):
        raise UsageError(
            "--all and --all-open approve calls as they are; they take no APPROVAL, no --edit and not each other"
        )
    if where is not None and tool is None:
        raise UsageError("--where belongs to --all TOOL; without it one question is answered")
    if not several:
        return answering.answer(common, id, approval, by, lambda asked: Answer("approve", answering.edit(asked, edits)))

    async def begin(app: App) -> tuple[str, str]:
        run: Run = await app.get(id)
        if tool is not None:
            await run.approve_all(tool, by=by, where=where or "")
            return id, "rule"
        return id, await _approve_open(run, by)

    return carry(common, begin, id=id, by=by)


async def _approve_open(run: Run, by: str) -> str:
    """Approve what waits now; the last of it. Nobody was shown what it was."""
    waiting = [asked["id"] for asked in run.approvals if asked["kind"] == "approval"]
    if not waiting:
        raise UsageError(f"run {run.id} ({run.state}) waits for no approval")
    for wait in waiting:
        await run.approve(wait, by=by, shown=0)
    return str(waiting[-1])
