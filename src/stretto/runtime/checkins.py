"""`check_in`: from time to time a person sees how far a run is and what it has spent, and says whether it goes on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stretto.core.canonical import encode
from stretto.core.errors import PolicyDenied, UsageError
from stretto.core.events import Asked, Encoded, StepDone, TaskFinished
from stretto.core.values import Answer, seconds
from stretto.runtime import failures, waits
from stretto.runtime.functions import here
from stretto.runtime.scope import Scope

_STEPS = re.compile(r"\s*(\d+)\s*steps?\s*")


@dataclass(slots=True)
class Mark:
    """How far the run was when the last check-in was over: steps done, microseconds since 1970, tasks done."""

    steps: int
    at: int
    tasks: int = 0


async def check_in(every: str, *, to: str = "", expires: float | str | None = None) -> None:
    """Ask a person whether to go on, where it is time to: `every` is like "5 steps" (of the run), "30 min", or both with "or".

    So many finished tasks are as good as so many steps: a task that only computes has none.
    Meant for a loop: it counts from its first call in a task. The person sees the steps and tasks done, the seconds and
    the money, and approves or rejects. A no, or no answer in time, is a `PolicyDenied` with the reason.
    """
    scope = here("check_in()")
    limit = _limit(every)
    known = scope.run.marks.get(scope.key)
    place = await scope.decide("check_in", lambda: _place(scope, known, limit))
    if place is None:
        return
    scope.run.marks[scope.key] = mark = Mark(place["steps"], place["at"], place.get("tasks", 0))
    if "progress" in place:
        mark.at = await _ask(scope, place["progress"], to, expires)


def _limit(every: str) -> Mark:
    """The steps and microseconds, of which either may pass; a zero does not count."""
    if not isinstance(every, str):
        raise UsageError(f"check_in(every={every!r}) has no unit; write it like '5 steps or 30 min'")
    limit = Mark(0, 0)
    for part in every.split(" or "):
        if steps := _STEPS.fullmatch(part):
            limit.steps = int(steps[1])
        else:
            limit.at = int(seconds(part) * 1_000_000)
    if not limit.steps and not limit.at:
        raise UsageError(f"check_in(every={every!r}) would ask all the time; write it like '5 steps or 30 min'")
    return limit


def _place(scope: Scope, known: Mark | None, limit: Mark) -> dict[str, Any] | None:
    """What is to be recorded: where the counting begins, or the progress if it is time; else nothing."""
    run = scope.run
    place = {"steps": run.tally[StepDone.kind], "at": run.now(), "tasks": run.tally[TaskFinished.kind]}
    if known is None:
        return place
    steps, passed = place["steps"] - known.steps, place["at"] - known.at
    if not (max(steps, place["tasks"] - known.tasks) >= limit.steps > 0 or passed >= limit.at > 0):
        return None
    used = scope.root.account.spent
    progress = {
        "steps": place["steps"], "tasks": place["tasks"], "new_steps": steps,
        "seconds": round(passed / 1e6, 1), "usd": str(used.usd), "tokens": used.input + used.output,
    }  # fmt: skip
    return {**place, "progress": progress}


_SAID = (
    "Go on? {steps} steps and {tasks} tasks done, ${usd} and {tokens} tokens spent; "
    "{new_steps} steps in the last {seconds} s"
)


async def _ask(scope: Scope, progress: dict[str, Any], to: str, expires: float | str | None) -> int:
    """Wait for a yes; when it was given, in microseconds since 1970."""
    ident = scope.identify("review", "check_in", encode(progress))
    record = scope.recall(ident)

    def asked(wait: str) -> Asked:
        deadline = scope.run.deadline(None if expires is None else seconds(expires))
        prompt, content = _SAID.format(**progress), Encoded(encode(progress))
        return Asked(wait, "review", prompt, content=content, to=to, worker=scope.worker, expires=deadline)

    answer = await waits.wait(scope, ident, record, asked, _misfit)
    if answer.decision != "approve":
        who = f" by {answer.by}" if answer.by else ""
        error = PolicyDenied(f"stopped at a check-in{who}: {answer.reason or 'nobody said to go on'}")
        raise failures.tagged(error, scope.key, ident)  # a run that is resumed asks again
    return record.ended.time if record is not None and record.ended is not None else scope.run.now()


def _misfit(answer: Answer) -> str:
    if answer.decision not in ("approve", "reject", "expired"):
        return f"a check-in is answered with approve or reject, not {answer.decision!r}"
    return "" if answer.value is None else "a check-in asks whether to go on; there is nothing to edit"
