"""`stretto messages ID [--between A,B]`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.listing import width
from stretto.cli.options import Common
from stretto.cli.session import reading
from stretto.cli.terminal import in_line, note, out_json, pretty, tell
from stretto.cli.words import MICRO, moment
from stretto.core.errors import UsageError
from stretto.memory.messages import Message


@click.command("messages")
@click.argument("id")
@click.option("--between", metavar="A,B", help="Only those from one of these names to another; of one name, all of it.")
@click.option("--kind", metavar="KIND", help="Only these: task, result, handover, message, answer, ...")
@click.option("--message", metavar="N", help="Only this one, whole.")
@options.common
def command(common: Common, id: str, between: str | None, kind: str | None, message: str | None) -> int:
    """What the workers and people of run ID told each other, in order; STEP is the number in `stretto show ID`."""
    names = [name.strip() for name in between.split(",") if name.strip()] if between is not None else []
    if between is not None and not names:
        raise UsageError("--between takes names, separated by commas, like --between research,write")

    async def work(app: App) -> int:
        run = await app.get(id)
        found: list[Message] = await run.messages(between=names)
        found = [one for one in found if kind in (None, one["kind"]) and message in (None, one["id"])]
        if message is not None and not found:
            raise UsageError(f"run {id} has no message {message}; `stretto messages {id}` numbers them")
        if common.json:
            out_json(found if message is None else found[0])
        elif not found:
            note("no messages")
        else:
            tell("\n".join(_listed(found) if message is None else _whole(found[0])))
        return codes.DONE

    return reading(common, work)


def _listed(found: list[Message]) -> Iterator[str]:
    digits = max(len(one["id"]) for one in found)
    sides = [f"{in_line(one['from'], 30)} → {in_line(one['to'] or 'all', 30)}" for one in found]
    wide = max(map(len, sides))
    for one, between in zip(found, sides, strict=True):
        head = f"{one['id']:<{digits}}  {moment(one['time'] * MICRO)}  {between:<{wide}}  {one['kind']:<8}  "
        about = f"{one['about']}: " if one["about"] else ""
        yield head + in_line(about + pretty(one["content"]), max(20, width() - len(head)))


def _whole(one: Message) -> Iterator[str]:
    for name, value in one.items():
        if name not in ("content", "time") and value not in (None, ""):
            yield f"{name:<8} {in_line(pretty(value), 300)}"
    yield f"time     {moment(one['time'] * MICRO)}"
    yield f"content  {pretty(one['content'])}"
