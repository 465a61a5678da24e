"""`stretto graph TARGET|ID`."""

from __future__ import annotations

import click

from stretto.app.host import App
from stretto.app.targets import resolve
from stretto.cli import codes, mermaid, options
from stretto.cli.options import Common
from stretto.cli.session import has_database, inside
from stretto.cli.terminal import out, out_json


@click.command("graph")
@click.argument("what", metavar="TARGET|ID")
@options.common
def command(common: Common, what: str) -> int:
    """A run's tasks, or how a worker is made of others, as a Mermaid flow chart."""

    async def work(app: App) -> int:
        known = await app.store.find(what) is not None
        return _leave(mermaid.of_run((await app.get(what)).view) if known else _of_target(what), common)

    return inside(common, work) if has_database(common) else _leave(_of_target(what), common)


def _of_target(what: str) -> str:
    return mermaid.of_worker(resolve(what).worker)


def _leave(chart: str, common: Common) -> int:
    if common.json:
        out_json({"mermaid": chart})
    else:
        out(chart)
    return codes.DONE
