"""`stretto say ID TEXT`."""

from __future__ import annotations

import sys

import click

from stretto.app import conversing
from stretto.app.handle import Run
from stretto.app.host import App
from stretto.cli import codes, options
from stretto.cli.carry import carry
from stretto.cli.options import Common
from stretto.cli.result import leave_reply
from stretto.cli.speech import Speech
from stretto.core.canonical import decode


@click.command("say")
@click.argument("id")
@click.argument("text")
@click.option("--key", metavar="KEY", help="Names what is said: repeated with the same key, it is not said again.")
@options.by
@options.common
def command(common: Common, id: str, text: str, key: str | None, by: str) -> int:
    """Say TEXT to run ID, and print the reply; - reads it from stdin.

    An agent's run goes on with the conversation, also where it was done; a workflow hears it where it listens.
    """
    said = sys.stdin.read() if text == "-" else text
    letter: conversing.Said | None = None

    async def begin(app: App) -> tuple[str, str]:
        nonlocal letter
        run = await app.get(id)
        letter = await conversing.say(run, app, await _message(run, app, said), by, key)
        await app.take_up(id)
        return id, ""

    async def end(run: Run, app: App) -> int:
        return await leave_reply(run, app, letter, common, speech.said) or codes.DONE

    speech = Speech()
    return carry(common, begin, id=id, by=by, speech=None if common.json else speech, end=end)


async def _message(run: Run, app: App, text: str) -> object:
    """The text; JSON where the conversation takes no text."""
    worker = await app.worker_of(run.id)
    if worker is None or worker.takes.schema.get("type", "string") == "string":
        return text
    try:
        message: object = decode(text)
    except ValueError:
        return text
    return message
