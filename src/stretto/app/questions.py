"""A question as programs are given it: what `stretto approvals --json` lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stretto.core.blobs import fetched
from stretto.core.errors import UsageError
from stretto.core.events import Answered, Declined, Row
from stretto.runtime.view import View, WaitView

if TYPE_CHECKING:
    from stretto.app.handle import Run

_LOOKS = 200
"""How often is looked, 5 ms apart, whether an answer was taken."""


async def described(run: str, wait: WaitView, blob: Callable[[str], Any]) -> dict[str, Any]:
    """A question as `stretto approvals --json` shows it; times in seconds since 1970."""
    asked = wait.asked
    return {
        "id": asked.wait,
        "kind": asked.ask,
        "run": run,
        "step": wait.seq,
        "tool": asked.tool,
        "worker": asked.worker,
        "prompt": asked.prompt,
        "args": await fetched(asked.args, blob),
        "risk": asked.risk,
        "preview": await fetched(asked.preview, blob),
        "content": await fetched(asked.content, blob),
        "digest": asked.digest,
        "schema": await fetched(asked.schema, blob),
        "to": asked.to,
        "expires": None if asked.expires is None else asked.expires / 1e6,
        "asked": wait.begun / 1e6,
    }


def sentence(run: str, approvals: Sequence[Mapping[str, Any]]) -> str:
    """What a run waits for, in one line."""
    if not approvals:
        return f"run {run} is not finished; `stretto resume {run}` continues it"
    asked = "; ".join(
        f"{item['kind']} {item['id']}" + (f" of {item['tool']}" if item["tool"] else "") for item in approvals[:3]
    )
    more = f" and {len(approvals) - 3} more" if len(approvals) > 3 else ""
    return f"run {run} waits for {asked}{more}"


def declined(rows: Iterable[Row], letter: str | None) -> Declined | None:
    """The event by which the holder of a run declined a letter."""
    events = (row.event() for row in rows if row.kind == Declined.kind)
    return next((event for event in events if isinstance(event, Declined) and event.letter == letter), None)


def tries(rows: Iterable[Row], wait: str) -> int:
    """How often a question was answered so far, or an answer was declined: it makes the next one a letter of its own."""
    events = (row.event() for row in rows if row.kind in (Answered.kind, Declined.kind))
    return sum(isinstance(event, Declined) or (isinstance(event, Answered) and event.wait == wait) for event in events)


def signalled(waits: Iterable[WaitView], signal: str) -> str | None:
    """The open question that a signal answers, if any."""
    return next((wait.asked.wait for wait in waits if (wait.asked.ask, wait.asked.prompt) == ("signal", signal)), None)


async def taken(run: Run, letter: str, wait: str | None, channel: str) -> Run:
    """Wait a little for the holder of the run to take an answer; one that it declines is the caller's to mend."""
    if wait is None or channel == "cli":  # the command line follows the run itself, and tells
        return await run.refresh()
    for _ in range(_LOOKS):
        await run.refresh()
        if refused := declined(run.rows, letter):
            raise UsageError(f"the answer was not taken: {refused.reason}")
        view = run.view
        if view.state.ended or view.waits[wait].answer is not None:
            break
        await asyncio.sleep(0.005)
    return run


def person(by: object) -> str:
    """Who answers: the record must be able to say it."""
    if not isinstance(by, str) or not by.strip():
        raise UsageError(f"by={by!r} names nobody; an answer is on the record with who gave it: by='ann'")
    return by


def wanted(run: str, view: View, name: str | None) -> WaitView:
    """The open question that an answer names; the only one where it names none."""
    waits = [wait for wait in view.open_waits if wait.asked.ask != "timer"]
    if name is None and len(waits) == 1:
        return waits[0]
    for wait in view.waits.values():
        if name and wait.asked.wait == name:
            if wait.withdrawn:
                raise UsageError(f"{name} of run {run} needs no answer any more: the run went on without it")
            if wait.answer is None:
                return wait
            raise UsageError(
                f"{name} of run {run} was answered already: {wait.answer.decision} by "
                f"{wait.answer.by or wait.answer.channel}"
            )
    named = [wait for wait in waits if name in (wait.asked.tool, wait.asked.prompt)]
    if name and len(named) == 1:
        return named[0]
    names = ", ".join(f"{wait.asked.wait} ({wait.asked.tool or wait.asked.prompt})" for wait in waits)
    if not waits:
        raise UsageError(f"run {run} ({view.state.value}) waits for no answer")
    raise UsageError(
        f"run {run} has no open question {name!r}; it waits for {names}"
        if name
        else f"run {run} waits for several answers; name one of {names}"
    )
