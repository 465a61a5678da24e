"""`stretto audit verify [ID|FILE]`."""

from __future__ import annotations

from pathlib import Path

import click

from stretto.app.audit import Finding, audit_file
from stretto.app.audit import audit as audit_run
from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.session import reading
from stretto.cli.terminal import out_json, tell
from stretto.cli.words import counted


@click.group("audit")
def command() -> None:
    """Check that no event was changed, moved or lost."""


@command.command("verify")
@click.argument("what", metavar="[ID|FILE]", required=False)
@options.common
def verify(common: Common, what: str | None) -> int:
    """Check the hash chain of run ID, of all runs, or of an exported FILE; the first bad event is named."""
    if what is not None and Path(what).is_file():
        return _leave(audit_file(Path(what)), common)

    async def work(app: App) -> int:
        ids = [(await app.get(what)).id] if what else [row.id for row in await app.store.runs(limit=1_000_000)]
        return _leave([await audit_run(app.store, id) for id in ids], common)

    return reading(common, work)


def _leave(found: list[Finding], common: Common) -> int:
    bad = [one for one in found if one.problem]
    if common.json:
        out_json({
            "ok": not bad,
            "runs": [{"id": one.run, "events": one.events, "head": one.head, "problem": one.problem} for one in found],
        })  # fmt: skip
    else:
        for one in bad or (found if len(found) == 1 else []):
            well = f"{counted(one.events, 'event')}, unbroken, up to {one.head}"
            tell(f"{one.run}  {one.problem or well}")
        if not bad and len(found) != 1:
            tell(f"{counted(len(found), 'run')}, {counted(sum(one.events for one in found), 'event')}: unbroken")
    return codes.FAILED if bad else codes.DONE
