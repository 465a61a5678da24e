"""`stretto graph TARGET|ID`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from stretto.app.gaps import Gaps
from stretto.app.graph.data import Graph
from stretto.app.graph.flows import of_worker
from stretto.app.graph.mermaid import mermaid
from stretto.app.graph.runs import of_run
from stretto.app.graph.svg import svg
from stretto.app.host import App
from stretto.app.progress import refuse_pruned
from stretto.app.targets import Target, resolve
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.session import has_database, inside
from stretto.cli.terminal import note, out, out_json
from stretto.core.errors import UsageError

_FORMS = {"mermaid": mermaid, "svg": svg}
_SUFFIXES = {
    "": "mermaid",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".md": "mermaid",
    ".txt": "mermaid",
    ".svg": "svg",
}


@click.command("graph")
@click.argument("what", metavar="TARGET|ID")
@click.option("--format", "form", type=click.Choice([*_FORMS]), help="Without it, what FILE's name says, else mermaid.")
@click.option("-o", "--out", "where", metavar="FILE", help="Where to; without it, to stdout.")
@options.common
def command(common: Common, what: str, form: str | None, where: str | None) -> int:
    """How a worker is made of others, or a run's tasks as they stand: as a Mermaid flow chart or an SVG picture.

    With --json: the graph as data (nodes, edges, groups), and the chart.
    """
    suffix = Path(where).suffix.lower() if where else ""
    if form is None and suffix not in _SUFFIXES:
        raise UsageError(f"a graph is written as .mmd, .md or .svg, not {suffix}; else say which it is with --format")
    chosen = form or _SUFFIXES[suffix]

    async def work(app: App) -> int:
        if await app.store.find(what) is None:
            return _leave(of_worker(_target(what, app.db).worker), chosen, where, common)
        run = await app.get(what)
        refuse_pruned(run.events)
        return _leave(of_run(run.view, Gaps(run.events), time.time_ns() // 1000), chosen, where, common)

    if has_database(common):
        return inside(common, work)
    return _leave(of_worker(resolve(what).worker), chosen, where, common)


def _target(what: str, db: str) -> Target:
    try:
        return resolve(what)
    except UsageError as error:
        raise UsageError(f"{error}; nor is it the id of a run in {db}") from error


def _leave(graph: Graph, form: str, where: str | None, common: Common) -> int:
    drawn = _FORMS[form](graph)
    if where is not None:
        _write(Path(where), drawn)
    if common.json:
        out_json({**graph.as_json(), form: drawn})
    elif where is None:
        out(drawn)
    else:
        note(f"{form} of {graph.title} in {where}")
    return codes.DONE


def _write(path: Path, drawn: str) -> None:
    try:
        path.write_text(drawn if drawn.endswith("\n") else f"{drawn}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
