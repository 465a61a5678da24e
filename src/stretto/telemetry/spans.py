"""A run's events as spans: the run, its tasks, model calls, tool calls and waits, named as OpenTelemetry names them.

The names are those of the semantic conventions for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/, as of 1.41), and `stretto.*` for what these do not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from stretto.core.events import (
    Answered,
    Asked,
    Row,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunStarted,
    StepDone,
    StepFailed,
    StepIntended,
    TaskFailed,
    TaskFinished,
    TaskStarted,
)
from stretto.core.scope import task_of
from stretto.core.values import dollars
from stretto.telemetry.traces import run_span, step_span, task_span, trace_of

Scalar = str | int | float | bool
Attributes = dict[str, Scalar | list[str]]
PROVIDERS = {
    "google": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai", "grok": "x_ai", "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai", "moonshot": "moonshot_ai",
}  # fmt: skip
"""What the conventions call a provider, where that is not its name in `provider:model`."""


@dataclass(frozen=True, slots=True)
class Span:
    """What happened from `begun` to `ended` (microseconds since 1970). `remote` says that the parent is another program's.

    `asked` and `gave` are what went in and came out, as recorded; they are no part of a span unless that is asked for.
    """

    trace: int
    id: int
    parent: int | None
    name: str
    begun: int
    ended: int
    attributes: Attributes
    kind: Literal["internal", "client"] = "internal"
    error: str = ""
    remote: bool = False
    asked: object = None
    gave: object = None

    @property
    def operation(self) -> str:
        """What the conventions call it; empty for what they do not know."""
        return str(self.attributes.get("gen_ai.operation.name", ""))


@dataclass(slots=True)
class _Task:
    started: TaskStarted
    seq: int
    begun: int
    scope: str
    model: Attributes = field(default_factory=dict)
    open: bool = True


class Projection:
    """The spans of one run, as its events come in."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._run = self._worker = ""
        self._input: object = None
        self._begun = self._last = 0
        self._trace, self._outer = trace_of("", None)
        self._tasks: dict[tuple[str, str], _Task] = {}
        self._by_key: dict[str, _Task] = {}
        self._intents: dict[tuple[str, str], tuple[int, StepIntended]] = {}
        self._waits: dict[str, tuple[Row, Asked]] = {}
        self._used: dict[str, int | Decimal] = {}
        for row in rows:
            self.see(row)

    def see(self, row: Row) -> list[Span]:
        """Take in the next event; the spans that ended with it."""
        self._last = row.time
        match row.event():
            case RunStarted() as started:
                self._start(row, started)
            case TaskStarted() as begun:
                task = _Task(begun, row.seq, row.time, row.scope)
                self._tasks[row.scope, row.ident] = self._by_key[begun.task] = task
            case StepIntended() as intent:
                self._intents[row.scope, row.ident] = row.time, intent
            case Asked() as asked:
                self._waits[asked.wait] = row, asked
            case TaskFinished() | TaskFailed() as ended if (row.scope, row.ident) in self._tasks:
                return [self._task(self._tasks[row.scope, row.ident], row.time, ended)]
            case StepDone() | StepFailed() as event:
                return [self._step(row, event)]
            case Answered() as answered if answered.wait in self._waits:
                return [self._wait(answered, row.time)]
            case RunFinished() | RunFailed() | RunCancelled() as last:
                return [*self._left(row.time), self._whole(row.time, last)]
            case _:
                pass
        return []

    def open(self) -> list[Span]:
        """What has begun and not ended, as of the last event: tasks, and the run around them."""
        return [*self._left(self._last), self._whole(self._last, None)]

    # ---- the run

    def _start(self, row: Row, started: RunStarted) -> None:
        self._run, self._worker, self._input, self._begun = row.run, started.worker, started.input, row.time
        settings = started.settings if isinstance(started.settings, dict) else None
        self._trace, self._outer = trace_of(row.run, settings)

    def _whole(self, ended: int, last: RunFinished | RunFailed | RunCancelled | None) -> Span:
        state = {RunFinished: "done", RunFailed: "failed", RunCancelled: "cancelled"}.get(type(last), "running")
        attributes: Attributes = {
            **self._common("invoke_workflow"), "gen_ai.workflow.name": self._worker, "stretto.state": state,
            **{f"stretto.usage.{name}": _plain(value) for name, value in self._used.items()},
        }  # fmt: skip
        error = ""
        if isinstance(last, RunFailed):
            error, attributes["error.type"] = _failure(last.failure)
        gave = last.output if isinstance(last, RunFinished) else None
        parent = self._outer.span if self._outer else None
        return Span(
            self._trace, run_span(self._run), parent, f"invoke_workflow {self._worker}", self._begun, ended,
            attributes, error=error, remote=parent is not None, asked=self._input, gave=gave,
        )  # fmt: skip

    # ---- tasks

    def _task(self, task: _Task, ended: int, event: TaskFinished | TaskFailed | None) -> Span:
        started = task.started
        attributes: Attributes = {
            **self._common("invoke_agent"), "gen_ai.agent.name": started.worker, "stretto.step": task.seq, **task.model
        }  # fmt: skip
        if started.fingerprint:
            attributes["gen_ai.agent.version"] = started.fingerprint
        if started.label:
            attributes["stretto.task.label"] = started.label
        if started.attempt > 1:
            attributes["stretto.attempt"] = started.attempt
        error = ""
        if isinstance(event, TaskFailed):
            error, attributes["error.type"] = _failure(event.failure)
        if event is None:
            attributes["stretto.state"] = "left"
        task.open = event is None
        return Span(
            self._trace, task_span(self._run, started.task), task_span(self._run, task.scope),
            f"invoke_agent {started.worker}", task.begun, ended, attributes, error=error, asked=started.input,
            gave=event.output if isinstance(event, TaskFinished) else None,
        )  # fmt: skip

    def _left(self, now: int) -> Iterator[Span]:
        """Tasks that never ended: those around need them, or they would stand without a parent."""
        return (self._task(task, now, None) for task in self._tasks.values() if task.open)

    # ---- steps

    def _step(self, row: Row, event: StepDone | StepFailed) -> Span:
        begun, intent = self._intents.pop((row.scope, row.ident), (row.time, None))
        begun = max(self._begun, min(begun, row.time) if not event.took else row.time - event.took)
        done = event if isinstance(event, StepDone) else None
        name, kind, attributes = self._named(row, event)
        if not done:
            attributes["error.type"] = (isinstance(event, StepFailed) and event.type) or "_OTHER"
        asked = event.request if event.request is not None else intent.request if intent else None
        return Span(
            self._trace, step_span(self._run, row.scope, row.ident), task_span(self._run, row.scope), name, begun,
            row.time, {**attributes, "stretto.step": row.seq}, kind, "" if done else _said(event), asked=asked,
            gave=done.result if done else None,
        )  # fmt: skip

    def _named(self, row: Row, event: StepDone | StepFailed) -> tuple[str, Literal["internal", "client"], Attributes]:
        match event.step:
            case "model":
                return self._chat(row, event)
            case "tool":
                named: Attributes = {"gen_ai.tool.name": event.name, "gen_ai.tool.type": "function"}
                if isinstance(event, StepFailed) and event.doubt:
                    named["stretto.doubt"] = True
                return f"execute_tool {event.name}", "internal", {**self._common("execute_tool"), **named}
            case other:
                return f"{other} {event.name}", "internal", self._common("")

    def _chat(self, row: Row, event: StepDone | StepFailed) -> tuple[str, Literal["client"], Attributes]:
        provider, model = _model(event.name)
        named: Attributes = {"gen_ai.provider.name": provider, "gen_ai.request.model": model}
        used: Attributes = {}
        if isinstance(event, StepDone):
            read, wrote, cached, written = event.usage or (0, 0, 0, 0)
            used |= {"gen_ai.usage.input_tokens": read, "gen_ai.usage.output_tokens": wrote}
            used |= {"gen_ai.usage.cache_read.input_tokens": cached} if cached else {}
            used |= {"gen_ai.usage.cache_creation.input_tokens": written} if written else {}
            used |= {"gen_ai.response.model": _model(event.model)[1]} if event.model else {}
            if isinstance(event.result, dict):
                used["gen_ai.response.finish_reasons"] = [str(event.result.get("finish", ""))]
            self._count(input_tokens=read, output_tokens=wrote)
        if event.cost:
            used["gen_ai.usage.cost"] = float(event.cost)
            self._count(cost=dollars(event.cost))
        task = self._by_key.get(task_of(row.scope))
        if task is not None:
            task.model, named["gen_ai.agent.name"] = dict(named), task.started.worker
        return f"chat {model}", "client", {**self._common("chat"), **named, **used}

    def _count(self, **used: int | Decimal) -> None:
        for name, value in used.items():
            self._used[name] = self._used.get(name, 0) + value

    # ---- waits

    def _wait(self, answered: Answered, now: int) -> Span:
        row, asked = self._waits[answered.wait]
        what = asked.tool or (asked.prompt if asked.ask == "signal" else "")
        attributes: Attributes = {
            **self._common(""), "stretto.wait": asked.ask, "stretto.decision": answered.decision,
            "stretto.channel": answered.channel, "stretto.step": row.seq,
        }  # fmt: skip
        parent = task_span(self._run, row.scope)
        name = f"wait for {asked.ask} {what}".rstrip()
        return Span(self._trace, step_span(self._run, row.scope, row.ident), parent, name, row.time, now, attributes)

    def _common(self, operation: str) -> Attributes:
        named: Attributes = {"gen_ai.operation.name": operation} if operation else {}
        return {**named, "gen_ai.conversation.id": self._run}


def spans(rows: Iterable[Row]) -> list[Span]:
    """All spans of a run, the outer ones last; what has not ended yet ends with the last event."""
    projection, found = Projection(), dict[int, Span]()
    for row in rows:
        for span in projection.see(row):
            found.pop(span.id, None)
            found[span.id] = span
    ended = list(found.values())
    return ended + [span for span in projection.open() if span.id not in found]


def _plain(number: int | Decimal) -> int | float:
    return float(number) if isinstance(number, Decimal) else number


def _model(name: str) -> tuple[str, str]:
    """Provider and model of `provider:model`, the provider as the conventions call it."""
    provider, colon, model = name.partition(":")
    return PROVIDERS.get(provider, provider), model if colon else name


def _failure(failure: object) -> tuple[str, str]:
    """Message and class of the error at the root of a recorded failure."""
    while isinstance(failure, dict) and isinstance(failure.get("cause"), dict):
        failure = failure["cause"]
    if not isinstance(failure, dict):  # it is large, and lies in the blob table
        return "it failed", "_OTHER"
    return str(failure.get("error") or "it failed"), str(failure.get("kind") or "_OTHER")


def _said(event: Any) -> str:
    return str(getattr(event, "error", "")) or "it failed"
