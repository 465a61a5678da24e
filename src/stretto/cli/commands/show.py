"""`stretto show ID [--step N]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from stretto.app.gaps import Gaps
from stretto.app.host import App
from stretto.app.steps import detail, steps
from stretto.cli import codes, options
from stretto.cli.listing import painted, width
from stretto.cli.options import Common
from stretto.cli.session import reading
from stretto.cli.terminal import in_line, out_json, pretty, tell
from stretto.cli.tree import SIGNS
from stretto.cli.words import MICRO, duration
from stretto.core.canonical import encode
from stretto.core.errors import UsageError
from stretto.runtime.view import View


@click.command("show")
@click.argument("id")
@click.option("--step", type=int, metavar="N", help="Only this one, whole: its request and its result.")
@options.common
def command(common: Common, id: str, step: int | None) -> int:
    """What run ID did: tasks, model calls, tool calls, questions and decisions, in the order of their beginning."""

    async def work(app: App) -> int:
        run = await app.get(id)
        found = steps(run.view, Gaps(run.events))
        if step is None:
            if common.json:
                out_json(found)
            else:
                tell("\n".join(_listed(run.view, found)))
            return codes.DONE
        shown = [one for one in found if one["step"] == step]
        if not shown:
            raise UsageError(f"run {id} has no step {step}; `stretto show {id}` numbers them")
        whole = await detail(run.view, shown[0], app.store.blob)
        if common.json:
            out_json(whole)
        else:
            tell("\n".join(_whole(whole)))
        return codes.DONE

    return reading(common, work)


def _listed(view: View, found: list[dict[str, Any]]) -> Iterator[str]:
    digits = len(str(found[-1]["step"])) if found else 1
    room = width() - digits - 13
    for one in found:
        head = f"{one['kind']:<8} {'  ' * _depth(view, one['task'])}{in_line(one['name'])}  "
        left = head + in_line(one["error"] or one["about"], max(20, room - len(head)))
        took = "" if one["took"] is None else duration(int(one["took"] * MICRO))
        sign = painted(SIGNS.get(one["state"], " "), one["state"])
        yield f"{one['step']:>{digits}} {sign} {left:<{room}} {took:>9}".rstrip()


def _depth(view: View, task: str) -> int:
    depth = 0
    while task in view.tasks:
        depth, task = depth + 1, view.tasks[task].parent
    return depth


def _whole(one: dict[str, Any]) -> Iterator[str]:
    for name, value in one.items():
        if name not in ("request", "before", "result") and value not in (None, ""):
            yield f"{name:<11}  {in_line(pretty(value), 300)}"
    for name in ("request", "before", "result"):
        if name in one:
            yield f"{name:<11}  {encode(one[name]).decode()}"
