"""`stretto show ID [--step N | --context TASK | --fact TEXT]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from stretto.app.contexts import contexts
from stretto.app.facts import passed_on
from stretto.app.gaps import Gaps
from stretto.app.host import App
from stretto.app.progress import refuse_pruned
from stretto.app.steps import detail, steps
from stretto.cli import options
from stretto.cli.listing import painted, width
from stretto.cli.options import Common
from stretto.cli.result import shown
from stretto.cli.session import reading
from stretto.cli.terminal import in_line, pretty, safe
from stretto.cli.tree import SIGNS
from stretto.cli.words import MICRO, duration
from stretto.core.canonical import encode
from stretto.core.errors import UsageError
from stretto.runtime.view import View


@click.command("show")
@click.argument("id")
@click.option("--step", type=int, metavar="N", help="Only this one, whole: its request and its result.")
@click.option(
    "--context",
    metavar="TASK",
    help="Just what the models of a task were sent, and what was left out. TASK is a step's number, a worker, or a "
    "plan's id for the task.",
)
@click.option("--fact", "facts", multiple=True, metavar="TEXT", help="Which task and summary passed it on, or lost it.")
@options.common
def command(common: Common, id: str, step: int | None, context: str | None, facts: tuple[str, ...]) -> int:
    """What run ID did: tasks, model calls, tool calls, questions and decisions, in the order of their beginning."""

    async def work(app: App) -> int:
        run = await app.get(id)
        refuse_pruned(run.events)
        if context is not None:
            sent = await contexts(run.view, context, app.store.blob)
            return shown(common, sent, (line for one in sent for line in _sent(one)))
        if facts:
            hops = await passed_on(run.view, facts, app.store.blob)
            return shown(common, hops, map(_hop, hops))
        found = steps(run.view, Gaps(run.events))
        if step is None:
            return shown(common, found, _listed(run.view, found))
        wanted = [one for one in found if one["step"] == step]
        if not wanted:
            raise UsageError(f"run {id} has no step {step}; `stretto show {id}` numbers them")
        whole = await detail(run.view, wanted[0], app.store.blob)
        return shown(common, whole, _whole(whole))

    return reading(common, work)


def _hop(one: dict[str, Any]) -> str:
    """How many of the facts that it was given a task or summary passed on."""
    if not one["given"]:
        return f"{one['step']:>5}  {one['kind']:<8} {in_line(one['name'])}: was given none of them"
    lost = f"; lost: {', '.join(map(in_line, one['lost']))}" if one["lost"] else ""
    return f"{one['step']:>5}  {one['kind']:<8} {in_line(one['name'])}: {len(one['kept'])} of {len(one['given'])} kept{lost}"


def _listed(view: View, found: list[dict[str, Any]]) -> Iterator[str]:
    digits = len(str(found[-1]["step"])) if found else 1
    room = width() - digits - 13
    for one in found:
        head = f"{one['kind']:<8} {'  ' * _depth(view, one['task'])}{in_line(one['name'])}  "
        left = head + in_line(one["error"] or one["about"], max(20, room - len(head)))
        left = left if len(left) <= max(20, room) else f"{left[: max(20, room) - 1]}…"
        took = "" if one["took"] is None else duration(int(one["took"] * MICRO))
        sign = painted(SIGNS.get(one["state"], " "), one["state"])
        yield f"{one['step']:>{digits}} {sign} {left:<{room}} {took:>9}".rstrip()


def _depth(view: View, task: str) -> int:
    depth = 0
    while task in view.tasks:
        depth, task = depth + 1, view.tasks[task].parent
    return depth


def _whole(one: dict[str, Any]) -> Iterator[str]:
    for name, value in one.items():
        if name not in ("request", "before", "result") and value not in (None, ""):
            yield f"{name:<11}  {in_line(pretty(value), 300)}"
    for name in ("request", "before", "result"):
        if name in one:
            yield f"{name:<11}  {encode(one[name]).decode()}"


def _sent(task: dict[str, Any]) -> Iterator[str]:
    """A task's requests, every text as it was sent; on a terminal, with what would move the cursor spelled out."""
    named = f"{task['worker']} {task['label']}".strip()
    for number, request in enumerate(task["requests"], 1):
        yield f"=== {in_line(named)}: request {number} of {len(task['requests'])}, step {request['step']}, {request['model']}"
        for message in request["messages"]:
            for part in message["parts"]:
                yield from _part(message["role"], part)
        for tool in request["tools"]:
            yield f"--- tool {encode(tool).decode()}"
        for name in ("output", "settings"):
            if request[name]:
                yield f"--- {name} {encode(request[name]).decode()}"
    if not task["requests"]:
        yield f"=== {in_line(named)}: no model was asked"
    for one in task["left_out"]:
        yield f"=== left out: {encode(one).decode()}"


def _part(role: str, part: dict[str, Any]) -> Iterator[str]:
    match part:
        case {"text": text}:
            yield f"--- {role}"
            yield _exactly(text)
        case {"result": {"name": name, "content": content, "ok": ok}}:
            yield f"--- {role}: {name}{'' if ok else ' failed'}"
            yield _exactly(content)
        case _:
            yield f"--- {role} {encode(part).decode()}"


def _exactly(text: str) -> str:
    return safe(text) if sys.stdout.isatty() else text
