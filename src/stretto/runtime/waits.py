"""Waiting for a person, a signal or the clock. A wait is a future and a row on disk, never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stretto.core import faults
from stretto.core.canonical import encode, identity
from stretto.core.events import Answered, Asked, Encoded
from stretto.core.ports import Durability
from stretto.core.values import Answer
from stretto.runtime.recording import Record

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope

Check = Callable[[Answer], str]
"""What is wrong with an answer; an empty text where it can be taken."""
Standing = Callable[[], Answer | None]
"""What a rule has said beforehand; asked again whenever there may be a new one."""
EXPIRED = "expired: nobody answered in time"
"""The reason of a no that nobody said."""


@dataclass(slots=True)
class Wait:
    """An open question of a live run."""

    id: str
    asked: Asked
    scope: Scope
    ident: str
    check: Check
    future: asyncio.Future[Answer]
    standing: Standing
    edited: Callable[[Answer], str] | None = None
    taken: bool = False
    """An answer is on its way into the journal; no other can be taken."""
    timer: asyncio.TimerHandle | None = None


def anything(_: Answer) -> str:
    """Take any answer."""
    return ""


def nobody() -> None:
    """No rule answers this."""


async def wait(
    scope: Scope,
    ident: str,
    record: Record | None,
    ask: Callable[[str], Asked],
    check: Check = anything,
    standing: Standing = nobody,
    edited: Callable[[Answer], str] | None = None,
) -> Answer:
    """The recorded answer, else ask (once) and wait for one; `ask` makes the question from its id.

    Where a rule has answered beforehand (`standing`), question and answer are recorded together. `edited` is the
    digest of what an answer allows instead of what was asked, empty where it changes nothing.
    """
    run = scope.run
    if record is not None and record.ended is not None:
        return await recorded_answer(scope, record)
    if record is not None and record.begun is not None:
        asked = record.begun.event()
        assert isinstance(asked, Asked)
    else:
        asked = ask(wait_id(scope, ident))
        await scope.frontier(f"{asked.ask} {asked.tool or asked.prompt}".strip())
        faults.site("approval.before")
        if (answer := standing()) is not None:
            scope.record(asked, ident)
            await run.commit(scope.record(answered(asked.wait, answer), ident, Durability.FULL))
            return answer
        await run.commit(scope.record(asked, ident, Durability.FULL))
        faults.site("approval.after")
    future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    return await run.parking.wait(Wait(asked.wait, asked, scope, ident, check, future, standing, edited))


def answered(wait: str, answer: Answer, edited: str = "") -> Answered:
    """The event of an answer."""
    value = None if answer.value is None else Encoded(encode(answer.value))
    return Answered(wait, answer.decision, value, answer.reason, answer.by, answer.channel, edited, answer.shown)


def wait_id(scope: Scope, ident: str) -> str:
    """A question's id: short enough to type, the same on every replay."""
    return identity(f"{scope.run.id} {scope.key} {ident}".encode())[:8]


async def recorded_answer(scope: Scope, record: Record) -> Answer:
    """The answer of a recorded question."""
    assert record.ended is not None
    event = record.ended.event()
    assert isinstance(event, Answered)
    return Answer(event.decision, await scope.run.value(event.value), event.reason, event.by, event.channel)
