"""A conversation: turns at the root of a run, each a task of its own, that goes on for as long as somebody says more.

A turn that is over is a finished task: what it did is not gone through again, and its messages are read from the
journal when the next one begins. So between two turns there is nothing in memory, and the code may have changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stretto.runtime import functions, tasks
from stretto.runtime.worker import Worker

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope


async def hold(scope: Scope, worker: Worker[Any, Any], value: object) -> tuple[object, bytes]:
    """The last reply, and as it is stored: the worker's, or of whoever took the conversation over from it.

    A run that `listens` waits for the next message after each reply; any other ends once nobody has said more.
    """
    speaker = worker
    listens = scope.run.settings.listens
    if listens:
        value = worker.takes.load((await functions.heard(None, worker.takes)).value)
    while True:
        reply = await tasks.call(scope, speaker, value)
        data, reply = scope.run.secrets.stored(speaker.gives, reply)
        if not listens and not await _is_said(scope):
            if not (scope.run.keeps and scope.run.talks):
                return reply, data
            await scope.run.replies(reply, data)
        value = worker.takes.load((await functions.heard(data, worker.takes)).value)
        speaker = worker.turn(scope.talk)


async def _is_said(scope: Scope) -> bool:
    """Whether somebody has said more, in the journal or in a letter."""
    known = scope.run.recording.unclaimed.get(scope.key, ())
    return any(ident.startswith(_HEARD) for ident in known) or await scope.run.mail.brings(functions.SAID)


_HEARD = f"signal {functions.SAID} "
