"""`stretto run TARGET [GOAL]`."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from stretto.app.host import App
from stretto.app.settings import Environment
from stretto.app.targets import Target, resolve
from stretto.cli.carry import carry
from stretto.cli.options import Common, as_json, common
from stretto.cli.speech import Speech
from stretto.cli.terminal import note
from stretto.core.errors import UsageError
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import Workflow


@click.command("run")
@click.argument("target")
@click.argument("words", metavar="[GOAL]", nargs=-1)
@click.option("--id", "id", metavar="ID", help="The run's id: the same one goes on with it.")
@click.option("--input", "given", metavar="JSON", help="What the worker is given, in place of GOAL.")
@click.option("--docs", metavar="PATH", help="For templates: the folder of documents.")
@click.option("--out", metavar="PATH", help="For templates: where the result goes.")
@click.option("--model", metavar="M", help="provider:model for workers that name none; none: rules only.")
@click.option("--budget", metavar="'$1'", help="Cap of the run: '$0.50', '2000 tokens', '20 calls', '5 min'.")
@click.option("--limit", "limits", multiple=True, metavar="PROVIDER='2 at once'", help="What a provider allows.")
@click.option("--approve", metavar="TOOL,TOOL", help="Say yes to all calls of exactly these tools in this run.")
@click.option("--stream", is_flag=True, help="Print what models say to stdout while they say it.")
@click.option("--otlp", metavar="URL", help="Send the run's spans to this OpenTelemetry collector, or to env.")
@common
def command(
    common: Common,
    target: str,
    words: tuple[str, ...],
    id: str | None,
    given: str | None,
    docs: str | None,
    out: str | None,
    model: str | None,
    budget: str | None,
    limits: tuple[str, ...],
    approve: str | None,
    stream: bool,
    otlp: str | None,
) -> int:
    """Work towards GOAL, to the end or until somebody must answer.

    TARGET is a flow.yaml, path/to/file.py:worker, package.module:worker, or a template's name (report).
    GOAL is the worker's input as text; - reads it from stdin.
    """
    if len(words) > 1:
        raise UsageError(f"GOAL is one argument, so put it in quotes: {shlex.quote(' '.join(words))}")
    found, goal = resolve(target), words[0] if words else None
    worker, value = _given(found, target, goal, given, docs, out)
    tools = tuple(name.strip() for name in (approve or "").split(",") if name.strip())
    if found.is_template and not common.json and not (model or Environment.here().model):
        note("no model is named: rule-based workers do it (--model NAME for a language model)")

    async def begin(app: App) -> tuple[str, str]:
        extra = {"docs": docs, "out": out} if found.is_template else {}
        run = await app.start(
            worker, value, id=id, budget=budget, approve=tools, model=model or "", code=found.code, extra=extra
        )
        return run.id, ""

    if stream and common.json:
        raise UsageError("--stream and --json both write to stdout; take one of them")
    speech = Speech() if stream else None
    return carry(common, begin, id=id, new=True, standing=tools, telemetry=otlp, limits=_limits(limits), speech=speech)


def _limits(given: tuple[str, ...]) -> dict[str, str]:
    for text in given:
        if "=" not in text:
            raise UsageError(f"--limit takes PROVIDER=LIMIT, like openai='2 at once, 500 requests'; got {text!r}")
    return {name.strip(): limit for name, _, limit in (text.partition("=") for text in given)}


def _given(
    found: Target, target: str, goal: str | None, given: str | None, docs: str | None, out: str | None
) -> tuple[Worker[Any, Any], Any]:
    if given is not None and goal is not None:
        raise UsageError("both GOAL and --input are given; a worker has one input")
    if given is not None:
        return found.worker, as_json(given, "--input")
    worker, value = found.given(sys.stdin.read().removesuffix("\n") if goal == "-" else goal, docs=docs, out=out)
    if value is None and not found.is_flow:  # a flow file says itself whether it needs a goal
        return worker, _unsaid(worker, target)
    try:
        worker.takes.stored(value)
    except ValueError as error:
        how = "GOAL is text; give anything else as JSON with --input"
        raise UsageError(f"{worker.name} cannot begin: its input does not fit: {error}; {how}") from error
    return worker, value


def _unsaid(worker: Worker[Any, Any], target: str) -> Any:
    """What a worker is given where nothing was said; one that needs something says so before there is a run."""
    needed = ["GOAL"]
    if isinstance(worker, Workflow):
        parameters = worker.signature.arguments.values()
        needed = [one.name for one in parameters if one.default is one.empty]
        if not needed:
            return worker.pack((), {})
    elif worker.takes.schema and _takes_nothing(worker):
        return None
    chat = f"; to talk with it: stretto chat {target}" if getattr(worker, "converses", False) else ""
    if len(needed) > 1:
        told = f"{', '.join(needed)}: give them as JSON with --input"
    else:
        told = "a GOAL: what to work towards, in quotes; - reads it from stdin, --input takes JSON"
    raise UsageError(f"{worker.name} needs {told}{chat}")


def _takes_nothing(worker: Worker[Any, Any]) -> bool:
    try:
        worker.takes.stored(None)
    except ValueError:
        return False
    return True
