"""Undo: what a run did, walked back in reverse order, each call an action of its own behind the gates.

The undone run is not touched. Its journal says what was done; a new run, with the worker of this module, takes back
what its tools say how to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from stretto.core.blobs import Blob, fetched
from stretto.core.errors import NotDone, PolicyDenied, StepError, UsageError
from stretto.core.events import Row, RunStarted, StepDone, StepFailed, StepIntended
from stretto.runtime.recording import first_of
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.tools.signature import KEY, Signature, signature_of, summary
from stretto.tools.tool import Tool

UNDOES = "undo:"
"""What the code of a run that undoes another begins with; that one's id follows."""

# ---- what was done


@dataclass(slots=True)
class Made:
    """A call that changed something, or may have: `step` is its number, `at` the event up to which it is known."""

    step: int
    tool: str
    effect: str
    key: str
    at: int
    args: object
    result: object = None
    done: bool = False


async def made(rows: Sequence[Row], blob: Blob) -> list[dict[str, Any]]:
    """The calls of a run that took effect or are in doubt, the last one first, as data for the run that undoes them."""
    return [
        {
            "step": call.step, "tool": call.tool, "key": call.key, "done": call.done,
            "args": await fetched(call.args, blob), "result": await fetched(call.result, blob),
        }
        for call in sorted(_calls(rows), key=lambda call: call.at, reverse=True)
    ]  # fmt: skip


def _calls(rows: Sequence[Row]) -> list[Made]:
    """A call is one thing under however many intents and in however many attempts: it goes by its first key."""
    begun = rows[0].event()
    taken_over = rows[0].epoch if isinstance(begun, RunStarted) and begun.forked_from else 0  # the other run did that
    calls: dict[str, Made] = {}
    names: dict[tuple[str, str], str] = {}
    for row in rows:
        if row.ident.startswith("tool ") and row.epoch != taken_over:
            _see(calls, names, row)
    return list(calls.values())


def _see(calls: dict[str, Made], names: dict[tuple[str, str], str], row: Row) -> None:
    place, event = (row.scope, first_of(row.ident)), row.event()
    if isinstance(event, StepIntended):
        name = names.setdefault(place, event.key)
        call = calls.setdefault(name, Made(row.seq, event.name, event.effect, event.key, row.seq, event.request))
        call.key, call.at, call.args = event.key, row.seq, event.request
        return
    found = calls.get(names.get(place, ""))
    match event:
        case StepDone(result=result) if found is not None:
            found.done, found.at, found.result = True, row.seq, result
        case StepFailed(doubt=False, type=type) if found is not None and "NotDone" in (type, _unless(found)):
            del calls[names[place]]
        case _:
            pass  # what only reads, and what another attempt did


def _unless(call: Made) -> str:
    """A `once` call that failed without a doubt did not happen; an `idempotent` one only where it says so itself."""
    return "NotDone" if call.effect == "once" else ""


# ---- taking it back


@dataclass(frozen=True)
class Undoing(Tool[..., Any]):
    """A tool that takes back one call; where it wants an idempotency key, it gets the one of that call."""

    key: str = ""

    @cached_property
    def signature(self) -> Signature:
        """What it takes; the key is no injected one."""
        return replace(signature_of(self.function), wants_key=False)

    async def invoke(self, arguments: Mapping[str, Any]) -> object:
        """See `Tool.invoke`."""
        return await super().invoke({**arguments, KEY: self.key} if self._wants_key else arguments)

    @cached_property
    def _wants_key(self) -> bool:
        return signature_of(self.function).wants_key


def undoing(tool: Tool[Any, Any], key: str) -> Undoing:
    """How a tool's call is taken back: its `undo` as an action that asks as the tool does; a tool asks as it says."""
    assert tool.undo is not None
    if isinstance(tool.undo, Tool):
        like: Tool[Any, Any] = tool.undo
    else:
        said = summary(tool.undo) or f"Undo {tool.name}."
        like = replace(tool, function=tool.undo, name=f"undo_{tool.name}", description=said, preview=None, verify=None)
    known = {field.name: getattr(like, field.name) for field in fields(Tool)}
    return Undoing(**{**known, "effect": "once", "undo": None, "retry": 0, "undoes": tool.name}, key=key)


class Undo(Worker[Any, Any]):
    """Takes back what a run of `worker` did, as far as its `tools` declare how.

    Its output lists what is undone and what is left, with the reason, in the order in which they were met.
    """

    name = "undo"

    def __init__(self, worker: Worker[Any, Any], tools: Mapping[str, Tool[Any, Any]]) -> None:
        self._worker, self._tools = worker, tools

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The worker whose run is undone: its policy holds here too."""
        return (self._worker,)

    async def work(self, context: Scope, value: Any) -> dict[str, Any]:
        """Go back step by step; one that cannot be undone does not keep those before it from being undone."""
        undone: list[dict[str, Any]] = []
        left: list[dict[str, Any]] = []
        for call in value["calls"]:
            said = {name: call[name] for name in ("step", "tool", "args")}
            try:
                undone.append({**said, "result": await self._take_back(context, call)})
            except (PolicyDenied, StepError, NotDone, UsageError, ValueError) as error:
                left.append({**said, "reason": str(error)})
        return {"run": value["run"], "undone": undone, "left": left}

    async def _take_back(self, scope: Scope, call: Mapping[str, Any]) -> Any:
        tool = self._tools.get(call["tool"])
        if not call["done"]:
            raise UsageError("it is in doubt: it is not known whether it happened")
        if tool is None:
            raise UsageError("its tool is not known here, so nobody knows how to undo it")
        if tool.undo is None:
            raise UsageError("its tool declares no undo")
        action = undoing(tool, call["key"])
        known = {**call["args"], "result": call["result"]}
        return await scope.tool(action, {name: known[name] for name in action.signature.arguments if name in known})
