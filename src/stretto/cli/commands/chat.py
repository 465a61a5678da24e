"""`stretto chat TARGET`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from stretto.app import conversing
from stretto.app.handle import Run
from stretto.app.host import App
from stretto.app.targets import resolve
from stretto.cli import codes
from stretto.cli.carry import questions_for
from stretto.cli.follow import Follower
from stretto.cli.options import Common, common, user
from stretto.cli.result import leave_reply
from stretto.cli.session import Signals, inside
from stretto.cli.speech import Speech
from stretto.cli.terminal import can_ask, note
from stretto.cli.terminal import command as whole_command
from stretto.cli.watch import Silent, Watch
from stretto.core.errors import UsageError
from stretto.runtime.clock import SystemClock
from stretto.runtime.engine import new_id

if TYPE_CHECKING:
    from stretto.cli.question import Questions


@click.command("chat")
@click.argument("target")
@click.option("--id", "id", metavar="ID", help="The conversation's id: the same one goes on with it.")
@click.option("--model", metavar="M", help="provider:model for agents that name none.")
@click.option("--budget", metavar="'$1'", help="Cap of the whole conversation: '$0.50', '2000 tokens', '20 calls'.")
@click.option("--approve", metavar="TOOL,TOOL", help="Say yes to all calls of exactly these tools.")
@common
def command(
    common: Common, target: str, id: str | None, model: str | None, budget: str | None, approve: str | None
) -> int:
    """Talk with the agent TARGET, a line at a time; Ctrl-D ends it, and it can be gone on with at any time.

    In a pipe each line of stdin is answered by a line of stdout, or by an object with --json.
    """
    found = resolve(target)
    worker = found.worker
    if not worker.converses:
        raise UsageError(
            f"{target} is not an agent, and only an agent converses by itself; `stretto run` starts it, and a workflow "
            "that listens is told more with `stretto say`"
        )
    tools = tuple(name.strip() for name in (approve or "").split(",") if name.strip())
    run = id or new_id(SystemClock().now())
    signals = Signals()
    watch = Watch(Silent())

    async def work(app: App) -> int:
        again = whole_command(app.db, "chat", target, "--id", run)
        signals.say = lambda: note(f"\nall that was said is kept. To go on: {again}")
        job = await app.start(worker, id=run, model=model or "", budget=budget, approve=tools, code=found.code)
        talk = _Talk(common, app, job, watch, questions_for(common, signals), tools)
        while (line := await _line(common)) is not None:
            if line and (code := await talk.turn(line)) is not None:
                return code
        if can_ask():
            signals.say()
        return codes.DONE

    return inside(common, work, [watch], signals)


class _Talk:
    """A conversation in a terminal, or in a pipe."""

    def __init__(
        self, common: Common, app: App, run: Run, watch: Watch, questions: Questions | None, standing: Sequence[str]
    ) -> None:
        self._common, self._app, self._run = common, app, run
        self._watch, self._questions, self._standing = watch, questions, standing

    async def turn(self, line: str) -> int | None:
        """Say a line and print what is answered; the exit code where that ends the conversation."""
        run, app, speech = self._run, self._app, Speech()
        letter = await conversing.say(run, app, line, user(), None)
        if can_ask() and not self._common.json:
            speech.listen(app, run.id, len(run.events) - 1)
        await app.take_up(run.id)
        await self._watch.catch_up(app.store, run.id)
        follower = Follower(app, run.id, self._watch, user(), self._questions, self._standing, speech)
        rested = await follower.to_rest()
        return await leave_reply(rested, app, letter, self._common, speech.said)


async def _line(common: Common) -> str | None:
    """The next line that is typed or piped in; None at the end."""
    if can_ask() and not common.json:
        sys.stderr.write("\n> ")
        sys.stderr.flush()
    line = await asyncio.to_thread(sys.stdin.readline)
    return line.strip() if line else None
