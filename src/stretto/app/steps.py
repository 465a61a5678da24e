"""What a run did, one entry for each task, effect, question and decision, numbered by the event that began it."""

from __future__ import annotations

from typing import Any

from stretto.app.gaps import SECOND, Gaps
from stretto.core.blobs import Blob, fetched
from stretto.core.canonical import decode
from stretto.core.messages import unlink
from stretto.core.scope import task_of
from stretto.core.text import as_text
from stretto.runtime.view import RuleView, StepView, TaskView, View, WaitView

Entry = dict[str, Any]
_ABOUT = 200


def steps(view: View, gaps: Gaps) -> list[Entry]:
    """All entries, in the order of their beginning, without requests and results; times in seconds."""
    entries = [
        *(_task(view, task, gaps) for task in view.tasks.values()),
        *(_step(step) for step in view.steps.values()),
        *(_wait(wait) for wait in view.waits.values()),
        *(_rule(made) for made in view.rules),
        *(
            _entry(seq, "decision", name, task_of(scope), "done", _brief(value))
            for seq, scope, name, value in view.decisions
        ),
    ]
    return sorted(entries, key=lambda entry: entry["step"])


async def detail(view: View, entry: Entry, blob: Blob) -> Entry:
    """An entry with its request and result, exactly as they are recorded."""
    number = entry["step"]
    whole = {name: value for name, value in entry.items() if name != "about"}
    match entry["kind"]:
        case "task":
            task = next(task for task in view.tasks.values() if task.seq == number)
            whole |= {"fingerprint": task.fingerprint, "request": await fetched(task.input, blob)}
            return {**whole, "result": await fetched(task.output, blob)}
        case "decision":
            return {
                **whole,
                "result": await fetched(next(value for seq, _, _, value in view.decisions if seq == number), blob),
            }
        case "rule":
            made = next(made for made in view.rules if made.seq == number)
            return {**whole, "request": None, "result": {**rule(made), "at": made.begun}}
        case _ if (wait := next((wait for wait in view.waits.values() if wait.seq == number), None)) is not None:
            return {**whole, **await _question(wait, blob)}
        case _:
            step = next(step for step in view.steps.values() if step.seq == number)
            request, result = await fetched(step.request, blob), await fetched(step.result, blob)
            if step.kind == "model":
                request, result = await conversation(request, blob), await _reply(result, blob)
            before = {"before": await fetched(step.before, blob)} if step.before is not None else {}
            return {**whole, "request": request, **before, "result": result}


def _entry(
    number: int, kind: str, name: str, task: str, state: str, about: str, took: int | None = None, error: str = ""
) -> Entry:
    return {
        "step": number, "kind": kind, "name": name, "state": state, "task": task, "about": about,
        "took": None if took is None else took / SECOND, "error": error,
    }  # fmt: skip


def _task(view: View, task: TaskView, gaps: Gaps) -> Entry:
    state = "left" if view.state.ended and not task.ended else task.state
    took = gaps.busy(task.begun, task.ended) if task.ended else None
    return _entry(task.seq, "task", task.worker, task.parent, state, task.label or _brief(task.input), took, task.error)


def _step(step: StepView) -> Entry:
    took = step.took if step.state != "running" else None
    about = _reached(step) if step.kind == "model" else _brief(step.request)
    return _entry(step.seq, step.kind, step.name, step.task, step.state, about, took, step.error)


def _reached(step: StepView) -> str:
    """What a model call came to; its messages are many, and only named in its event."""
    result = step.result if isinstance(step.result, dict) else {}
    said = {"tool_call": "asks for tools", "stop": "answers"}.get(result.get("finish", ""), result.get("finish", ""))
    return f"{said}, {step.spend.input + step.spend.output} tokens" if said else ""


def _wait(wait: WaitView) -> Entry:
    asked, answer = wait.asked, wait.answer
    name = asked.tool or asked.prompt
    if answer is None:
        return _entry(wait.seq, asked.ask, name, wait.task, "waiting", asked.prompt)
    said = f"{answer.decision} by {answer.by or answer.channel}"
    return _entry(wait.seq, asked.ask, name, wait.task, "done", said, wait.answered - wait.begun)


def _rule(made: RuleView) -> Entry:
    said = f"{made.rule} approved by {made.rule.by or made.rule.channel}"
    return _entry(made.seq, "rule", made.rule.tool, "", "done", said)


def rule(made: RuleView) -> Entry:
    """A standing rule as data."""
    return {name: getattr(made.rule, name) for name in ("id", "tool", "where", "by", "channel")}


def _brief(value: Any) -> str:
    """The beginning of a value that stands in its event."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={as_text(item)}" for name, item in value.items())[:_ABOUT]
    return as_text(value)[:_ABOUT] if isinstance(value, str | int | float | list) else ""


async def _question(wait: WaitView, blob: Blob) -> Entry:
    asked, answer = wait.asked, wait.answer
    names = "ask prompt tool risk base digest to expires of worker".split()
    request = {"id": asked.wait, **{name: getattr(asked, name) for name in names if getattr(asked, name)}}
    request |= {name: await fetched(getattr(asked, name), blob) for name in ("args", "preview", "content", "schema")}
    if answer is None:
        return {"request": request, "result": None}
    result = {name: getattr(answer, name) for name in ("decision", "reason", "by", "channel", "edited")}
    value = await fetched(answer.value, blob)
    made = {"args": request["args"] | value} if asked.ask == "approval" and isinstance(value, dict) else {}
    return {"request": request, "result": {**result, "value": value, **made, "at": wait.answered}}


async def conversation(request: dict[str, str], blob: Blob) -> Entry:
    """A model's request with its messages and frame in place of their digests."""
    messages, head = [], request["conversation"]
    while head:
        stored = decode(await blob(head))
        messages.append(stored["message"])
        head = stored["after"]
    return {"model": request["model"], **decode(await blob(request["frame"])), "messages": messages[::-1]}


async def _reply(result: Any, blob: Blob) -> Any:
    if not isinstance(result, dict) or "message" not in result:
        return result
    _, message = unlink(await blob(result["message"]))
    return {"finish": result["finish"], "message": message.__json__()}
