"""The frontier: a scope that is taken up begins nothing new before its code has asked again for all it recorded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stretto.core.errors import ReplayMismatch
from stretto.core.scope import current

if TYPE_CHECKING:
    from stretto.runtime.execution import Execution
    from stretto.runtime.scope import Scope

CATCH_UP = 30.0
"""Seconds that something new waits for the scopes around to have asked again for what they recorded."""


async def reached(run: Execution, scope: Scope, wanted: str) -> None:
    """Wait until the scopes around have asked again for all they recorded; code that cannot has gone another way.

    A call stands in the scope where it was made; the branch that awaits it waits for that scope as for those around.
    """
    unclaimed, loop = run.recording.unclaimed, run.loop
    here: Scope = current.get() or scope
    run.owes_nothing(here, wanted)
    ancestors = [] if here is scope else [scope, *scope.around()]
    ancestors += here.around()
    deadline = loop.time() + CATCH_UP
    while late := [ancestor for ancestor in ancestors if ancestor.key in unclaimed]:
        if loop.time() > deadline:
            run.mismatch(late[0], wanted)
        await asyncio.sleep(0 if loop.time() < deadline - CATCH_UP * 0.9 else CATCH_UP / 100)


def mismatch(run: Execution, scope: Scope, wanted: str) -> ReplayMismatch:
    """What a scope recorded and its code has not asked for again, and what it wants instead."""
    known = run.recording.unclaimed[scope.key]
    recorded = [told for _, told in sorted(_recorded(run, scope, ident, wanted) for ident in known)]
    return ReplayMismatch(
        f"run {run.id}: {scope.worker} now wants {wanted}, but the journal has {', '.join(recorded[:3])}"
        f"{f' and {len(recorded) - 3} more' if len(recorded) > 3 else ''} there, which it has not asked for again. "
        "Nothing was done. A resumed run must take the same way: read the clock, chance and order through stretto "
        "(now, random, race), restore the code that the run began with, or start a new run"
    )


def _recorded(run: Execution, scope: Scope, ident: str, wanted: str) -> tuple[int, str]:
    """A step that was recorded: its number, and how a person knows it; one that only its request tells apart says so."""
    words = ident.split(" ")
    name = " ".join(words[:3] if words[0] == "ask" else words[:2])
    if words[0] != "ask" and name == " ".join(wanted.replace("(", " ").split(" ")[:2]):
        name += " with another request"
    step = run.recording.number(scope.key, ident)
    return step, f"{name} (step {step})" if step >= 0 else name
