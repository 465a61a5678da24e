"""`stretto audit verify [ID|FILE] [--heads FILE]`, `stretto audit heads`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from stretto.app.audit import Finding, audit_file, read_heads
from stretto.app.audit import audit as audit_run
from stretto.app.audit import heads as heads_of
from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.result import shown
from stretto.cli.session import reading
from stretto.cli.terminal import out_json, tell
from stretto.cli.words import counted


@click.group("audit")
def command() -> None:
    """Check that no event was changed, moved or lost."""


@command.command("heads", short_help="The last hash of every run's chain.")
@options.common
def heads(common: Common) -> int:
    """The last hash of every run's chain, to be kept elsewhere: by it one can tell what was cut off or rewritten."""

    async def work(app: App) -> int:
        found = await heads_of(app.store)
        return shown(common, [asdict(one) for one in found], (f"{one.run}  {one.events}  {one.head}" for one in found))

    return reading(common, work)


@command.command("verify", short_help="Check hash chains: of a run, all runs, or a file.")
@click.argument("what", metavar="[ID|FILE]", required=False)
@click.option(
    "--heads",
    "kept",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What `stretto audit heads` printed once: no run may have lost or changed what it had then.",
)
@options.common
def verify(common: Common, what: str | None, kept: Path | None) -> int:
    """Check the hash chain of run ID, of all runs, or of an exported FILE; the first bad event is named."""
    anchored = {head.run: head for head in read_heads(kept)} if kept is not None else {}
    if what is not None and Path(what).is_file():
        return _leave(audit_file(Path(what), anchored), common)

    async def work(app: App) -> int:
        known = [row.id for row in await app.store.runs(limit=1_000_000)]
        ids = [(await app.get(what)).id] if what else known + sorted(anchored.keys() - set(known))
        return _leave([await audit_run(app.store, id, anchored.get(id)) for id in ids], common)

    return reading(common, work)


_FIELDS = ("events", "head", "problem", "note")


def _leave(found: list[Finding], common: Common) -> int:
    bad = [one for one in found if one.problem]
    if common.json:
        out_json({
            "ok": not bad,
            "runs": [{"id": one.run, **{name: getattr(one, name) for name in _FIELDS}} for one in found],
        })  # fmt: skip
    else:
        for one in bad or (found if len(found) == 1 else []):
            well = one.note or f"{counted(one.events, 'event')}, unbroken"
            tell(f"{one.run}  {one.problem or f'{well}, up to {one.head}'}")
        if not bad and len(found) != 1:
            pruned = sum(1 for one in found if one.note)
            gone = f", {pruned} of them pruned" if pruned else ""
            tell(f"{counted(len(found), 'run')}{gone}, {counted(sum(one.events for one in found), 'event')}: unbroken")
    return codes.FAILED if bad else codes.DONE
