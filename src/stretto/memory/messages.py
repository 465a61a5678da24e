"""What the workers of a run, and its people, told each other: read off the journal, which has all of it.

A task is a message to its worker, its output one back. Where a task's input holds what another task came to, that is a
handover between the two, whoever passed it on. Nothing here is stored; equal events give equal messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stretto.core.blobs import Blob, fetched
from stretto.core.canonical import encode
from stretto.core.errors import UsageError
from stretto.core.events import Answered, Asked, Decided, Row, StepDone, TaskFailed, TaskFinished, TaskStarted
from stretto.core.scope import task_of

Message = dict[str, Any]
"""`id`, `step` (as `stretto show` numbers it), `time` (seconds since 1970), `from`, `to`, `kind`, `about`, `schema`, `content`.

The kinds are task, result, failure, handover, handoff, message, shared, answer, and what a person is asked for: approval,
question, review, doubt, budget, check_in.
"""
USER, PEOPLE = "user", "people"
"""Who began the run, and who is asked where nobody is named."""
_WHOLE, _WITHIN, _PART = 5, 12, 20
"""Characters of JSON that an output needs to be recognised as a value in an input, inside a text there, and in part. A
shorter one, or a number, must be all of the input."""
HANDOFF = "handoff"
"""The decision to hand a conversation over, and the label of the task of whoever goes on with it."""
_RECENT = 256
"""Outputs that are looked for inside an input."""
_MADE = ("add", "set", "update")


@dataclass(slots=True)
class _Task:
    key: str
    worker: str
    giver: str
    step: int
    given: str
    goes_on: bool = False
    """It goes on with a conversation that was handed over, which its handoff tells."""
    speaker: str = ""
    """Who answered in its place, after a handoff."""
    marks: list[str] = field(default_factory=list)
    """What an input contains that holds its output."""


class _Reader:
    def __init__(self, blob: Blob) -> None:
        self.found: list[tuple[str, Message]] = []
        """The messages, each with the task that it gives or ends, or with nothing."""
        self.acts: set[str] = set()
        """Tasks that only lend a model the means to send or write: what they did is told by itself."""
        self._blob = blob
        self._tasks: dict[str, _Task] = {}
        self._begun: dict[tuple[str, str], _Task] = {}
        self._whole: dict[str, list[_Task]] = {}
        self._recent: deque[_Task] = deque(maxlen=_RECENT)
        self._handed: set[tuple[str, str]] = set()
        self._asked: dict[str, tuple[int, Asked]] = {}

    async def see(self, row: Row) -> None:
        """Take in the next event."""
        match row.event():
            case TaskStarted() as started:
                await self._begins(row, started)
            case TaskFinished() | TaskFailed() as event:
                await self._ends(row, event)
            case StepDone(step="message" | "memory") as done:
                await self._meets(row, done)
            case Asked() | Answered() as event:
                await self._asks(row, event)
            case Decided(name=name, value=dict(value)) if name == HANDOFF:
                sides = value.get("from", ""), value.get("to", "")
                self._add(row, row.seq, *sides, "handoff", value.get("reason", ""))
            case _:
                pass

    async def _begins(self, row: Row, started: TaskStarted) -> None:
        given = await self._value(started.input)
        task = _Task(started.task, started.worker, self._worker(row.scope), row.seq, encode(given).decode())
        self._tasks[task.key] = self._begun[row.scope, row.ident] = task
        task.goes_on = started.label == HANDOFF and isinstance(given, dict) and given.keys() == {"input", "messages"}
        if task.goes_on:
            return
        self._add(row, task.step, task.giver, task.worker, "task", given, about=started.label, task=task.key)
        for number, source in enumerate(self._sources(task), 1):
            self._add(row, task.step, source.worker, task.worker, "handover", given, number=number)

    def _sources(self, task: _Task) -> list[_Task]:
        """The finished tasks whose outputs are in an input, each once for each worker that gets it."""
        found = list(self._whole.get(task.given, ()))
        for source in self._recent:
            if source not in found and any(mark in task.given for mark in source.marks):
                found.append(source)
        new = [source for source in found if (source.key, task.worker) not in self._handed]
        self._handed |= {(source.key, task.worker) for source in new}
        return sorted((source for source in new if source.worker != task.worker), key=lambda source: source.step)

    async def _ends(self, row: Row, event: TaskFinished | TaskFailed) -> None:
        task = self._begun[row.scope, row.ident]
        if isinstance(event, TaskFailed):
            failure = await self._value(event.failure)
            self._add(row, task.step, task.worker, task.giver, "failure", failure, task=task.key)
            return
        output = await self._value(event.output)
        if task.goes_on:
            self._tasks[task_of(row.scope)].speaker = task.worker
            return
        self._add(row, task.step, task.speaker or task.worker, task.giver, "result", output, task=task.key)
        if output not in (None, "", [], {}):
            self._whole.setdefault(encode(output).decode(), []).append(task)
            task.marks = [mark for mark in _marks(output) if mark not in task.given]  # what it was given is not its own
            self._recent.append(task)

    async def _meets(self, row: Row, done: StepDone) -> None:
        result = done.result if isinstance(done.result, dict) else {}
        by, request = result.get("by", ""), await self._value(done.request)
        key = task_of(row.scope)
        if key in self._tasks and self._tasks[key].worker != by:
            self.acts.add(key)
        if request is None or "again" in result:  # it looked, or received; or an attempt before this one sent it
            return
        if done.step == "message":
            about, schema = result["channel"], request["schema"]
            self._add(row, row.seq, by, result["to"], "message", request["value"], about=about, schema=schema)
            return
        for name, change in request.items():
            for verb in change.keys() & set(_MADE):
                self._add(row, row.seq, by, "", "shared", change[verb], about=name)

    async def _asks(self, row: Row, event: Asked | Answered) -> None:
        if isinstance(event, Asked):
            self._asked[event.wait] = row.seq, event
            if event.ask not in ("timer", "signal"):
                shown = {name: await self._value(getattr(event, name)) for name in ("args", "content", "preview")}
                said = {name: value for name, value in shown.items() if value is not None}
                content = {"prompt": event.prompt, **said} if said else event.prompt
                schema = await self._value(event.schema)
                title = schema.get("title", "") if isinstance(schema, dict) else ""
                about, to = event.tool, event.to or PEOPLE
                self._add(row, row.seq, event.worker, to, event.ask, content, about=about, schema=title)
        elif event.wait in self._asked:
            step, asked = self._asked[event.wait]
            in_a_task = task_of(row.scope) in self._tasks  # what is said in a conversation is its turn's task
            if asked.ask != "timer" and (asked.ask != "signal" or in_a_task):
                value = await self._value(event.value)
                content = value if value is not None else event.reason or event.decision
                who = event.by or event.channel
                self._add(row, step, who, asked.worker, "answer", content, about=asked.tool or asked.prompt)

    def _worker(self, scope: str) -> str:
        task = self._tasks.get(task_of(scope))
        return task.worker if task is not None else USER

    async def _value(self, value: Any) -> Any:
        return await fetched(value, self._blob)

    def _add(
        self, row: Row, step: int, sender: str, to: str, kind: str, content: object,
        *, about: str = "", schema: str = "", task: str = "", number: int = 0,
    ) -> None:  # fmt: skip
        id = f"{row.seq}.{number}" if number else str(row.seq)
        self.found.append((task, {
            "id": id, "step": step, "time": row.time / 1e6, "from": sender, "to": to, "kind": kind, "about": about,
            "schema": schema, "content": content,
        }))  # fmt: skip


def _marks(output: Any) -> Iterator[str]:
    """What JSON contains that holds an output: as a value in it, inside a text, as JSON inside a text, or a text of it."""
    whole = encode(output).decode()
    inner = whole[1:-1] if isinstance(output, str) else whole
    if isinstance(output, str | list | dict) and len(whole) >= _WHOLE:
        yield whole
        yield from (inner, encode(inner).decode()[1:-1]) if len(whole) >= _WITHIN else ()
    if isinstance(output, list | dict):
        yield from _parts(output)


def _parts(part: Any) -> Iterator[str]:
    """The longer texts in a value."""
    match part:
        case str() if len(part) >= _PART:
            yield encode(part).decode()[1:-1]
        case list() | dict():
            for one in part.values() if isinstance(part, dict) else part:
                yield from _parts(one)
        case _:
            pass


async def messages(rows: Iterable[Row], blob: Blob) -> list[Message]:
    """All messages of a run, in order; see `Message`."""
    reader = _Reader(blob)
    for row in rows:
        await reader.see(row)
    return [message for task, message in reader.found if task not in reader.acts]


def between(found: Iterable[Message], names: Iterable[str]) -> list[Message]:
    """The messages from any of these names to another of them; of one name, all from and to it."""
    wanted = set(names)
    if not wanted:
        raise UsageError("between whom? name one worker, or several: between=('research', 'write')")
    if len(wanted) == 1:
        return [one for one in found if wanted & {one["from"], one["to"]}]
    return [one for one in found if {one["from"], one["to"]} <= wanted]
