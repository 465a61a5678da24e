"""`stretto why ID`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import click

from stretto.app.gaps import Gaps
from stretto.app.handle import Run
from stretto.app.host import App
from stretto.app.steps import conversation
from stretto.cli import options
from stretto.cli.listing import listed, painted
from stretto.cli.options import Common
from stretto.cli.result import about, shown, standing, ways
from stretto.cli.session import reading
from stretto.cli.terminal import command as whole_command
from stretto.cli.terminal import in_line, pretty
from stretto.cli.tree import lines
from stretto.cli.words import MICRO, cost, counted, duration, moment, spent, table
from stretto.core.blobs import fetched
from stretto.core.values import RunState

_ROOM = 40
"""Lines of tasks that are shown."""
_FED = 8
"""Of what fed a failure, the last so many are shown."""


@click.command("why")
@click.argument("id")
@options.common
def command(common: Common, id: str) -> int:
    """What led to run ID's output, failure or question: tasks, approvals, retries, time and cost."""

    async def work(app: App) -> int:
        run, row = await app.get(id), await app.store.find(id)
        assert row is not None
        reasons = run.why()
        if step := reasons.get("step"):
            asked = await fetched(step["request"], app.store.blob)
            step["request"] = await conversation(asked, app.store.blob) if step["kind"] == "model" else asked
        lines = chain(_because(run, reasons, app.db, *standing(row, app.db)), _record(run, reasons))
        return shown(common, {**reasons, "cost": cost(run.view.spend)}, lines)

    return reading(common, work)


# ---- what it comes down to


def _because(run: Run, reasons: dict[str, Any], db: str, state: str, more: str) -> Iterator[str]:
    yield f"{run.view.worker}  {run.id}  {painted(state, run.view.state.value)}{more}"
    match run.view.state:
        case RunState.FAILED:
            yield from _failure(run, reasons, db)
        case RunState.WAITING | RunState.RUNNING:
            yield from _waits(run, reasons, db)
        case RunState.DONE | RunState.CANCELLED:
            yield ""
    yield "tasks"
    yield from (f"  {line}" for line in listed(lines(run.view, Gaps(run.events), run.view.updated, _ROOM, whole=True)))


def _failure(run: Run, reasons: dict[str, Any], db: str) -> Iterator[str]:
    error = in_line(f"{reasons['kind']}: {reasons['error']}", 1000)
    yield f"\n  {painted(error, 'failed')}\n"
    if step := reasons["step"]:
        request = in_line(pretty(step["request"]), 200)
        yield f"  in    {step['kind']} {step['name']}, step {step['step']}, asked with {request}"
    for level in reasons["chain"]:
        which = f" ({in_line(level['label'])})" if level["label"] else ""
        tries = f", {level['attempts']} attempts" if level["attempts"] > 1 else ""
        number = f", step {level['step']}" if level["step"] else ""
        yield f"  of    {level['worker']}{which}{number}{tries}, given {in_line(pretty(level['input']), 200)}"
    for one in reasons["fed"][-_FED:]:
        label = f" ({in_line(one['label'])})" if one["label"] else ""
        gave = in_line(pretty(one["result"]), 120) if one["result"] is not None else "(large)"
        if one["kind"] == "model":  # its words are not in its event; `show --step` has them
            gave = "asked for tools" if (one["result"] or {}).get("finish") == "tool_call" else "answered"
        yield f"  fed   {one['kind']} {in_line(one['name'])}{label}, step {one['step']}: {gave}"
    if len(reasons["fed"]) > _FED:
        yield f"        and {len(reasons['fed']) - _FED} before: --json has all"
    yield f"\n  mend it, then  {whole_command(db, 'resume', run.id)}"
    yield f"  look closer    {whole_command(db, 'show', run.id, '--step', 'N')}\n"


def _waits(run: Run, reasons: dict[str, Any], db: str) -> Iterator[str]:
    by_id = {asked["id"]: asked for asked in run.approvals}
    for wait in reasons["waits"]:
        yield f"\n  {about(by_id[wait['id']])}"
        by = f", asked in {' < '.join(wait['chain'])}" if wait["chain"] else ""
        yield f"  since {moment(wait['since'] * MICRO)}{by}"
        for meaning, words in ways(by_id[wait["id"]]):
            yield f"    {meaning:<10} {whole_command(db, *words)}"
    yield ""


# ---- how it came about


def _record(run: Run, reasons: dict[str, Any]) -> Iterator[str]:
    needs = (task for task in reasons["tasks"] if task["after"])
    yield from table(
        "fed by", (f"  {in_line(task['label'])} < {in_line(', '.join(task['after']), 200)}" for task in needs)
    )
    for what, told in _DECIDED.items():
        yield from table(what, [f"  step {one['step']}  {told(one)}" for one in reasons[what]])
    yield from table("answers", (f"  {_answer(answer)}" for answer in reasons["answers"]))
    yield from table("rules", (f"  {_rule(rule)}" for rule in reasons["rules"]))
    yield from table("doubts", (f"  {_answer(doubt)}" for doubt in reasons["doubts"]))
    yield from table("retries", (f"  {_failed(one)}".rstrip() for one in reasons["retries"]))
    yield from table("failed", (f"  {_failed(one)}".rstrip() for one in reasons["failures"]))
    yield f"\ntime    {_time(reasons['time'])}"
    if foretold := ", then ".join(one["told"] for one in reasons["forecast"] if one["told"]):
        yield f"foretold {foretold}"
    yield f"cost    {spent(run.view.spend) or 'no model was called'}"
    if fork := reasons.get("fork"):
        yield f"fork    {_forked(fork)}"
    yield f"record  {reasons['events']} events, up to {reasons['head'][:16]}"


def _forked(fork: dict[str, Any]) -> str:
    saved, taken = fork["saved"], counted(len(fork["tasks"]), "task")
    total = f"{counted(saved['calls'], 'call')}, {saved['tokens']} tokens, ${saved['usd']}"
    return f"of {fork['of']} at {fork['at']}, {taken} taken over; saved {total}"


def _answer(answer: dict[str, Any]) -> str:
    what = answer["tool"] or in_line(answer["prompt"])
    if answer["decision"] is None:
        return f"step {answer['step']}  {what}: open"
    edited = ", edited" if answer["edited"] and answer["kind"] == "approval" else ""
    digest = f", digest {answer['digest'][:16]}" if answer["digest"] else ""
    who = f"{answer['by'] or answer['channel']} ({answer['channel']})"
    at = moment(answer["at"] * MICRO)
    return f"step {answer['step']}  {what}: {answer['decision']}{edited} by {who} at {at}{digest}{_reason(answer)}"


def _reason(one: dict[str, Any]) -> str:
    return f": {in_line(one['reason'], 200)}" if one["reason"] else ""


def _checked(one: dict[str, Any]) -> str:
    return f"{one['of']} {in_line(one['by'])}: {'yes' if one['ok'] else 'no'}{_reason(one)}"


def _partial(one: dict[str, Any]) -> str:
    return f"went on without {counted(len(one['failed']), 'result')}: {in_line('; '.join(one['failed']), 200)}"


def _handed(one: dict[str, Any]) -> str:
    return f"{in_line(one['from'])} to {in_line(one['to'])}{_reason(one)}"


def _resolved(one: dict[str, Any]) -> str:
    lost = ", ".join(f"{in_line(pretty(value), 80)} ({in_line(task)})" for task, value in one["rejected"].items())
    return (
        f"{in_line(one['field'])}: {in_line(pretty(one['chosen']), 80)} instead of {lost}, by {one['by']}{_reason(one)}"
    )


def _judged(one: dict[str, Any]) -> str:
    return f"version {one['version']}: {one['value']:g}, {one['accept']:g} is accepted{_reason(one)}"


_DECIDED = {"checks": _checked, "partial": _partial, "handoffs": _handed, "resolved": _resolved, "judged": _judged}


def _rule(rule: dict[str, Any]) -> str:
    where = f" where {in_line(rule['where'], 200)}" if rule["where"] else ""
    who = f"{rule['by'] or rule['channel']} ({rule['channel']})"
    return f"step {rule['step']}  all {rule['tool']}{where}: approved by {who} at {moment(rule['at'] * MICRO)}"


def _failed(one: dict[str, Any]) -> str:
    return f"step {one['step']}  {one['what']}  {in_line(one['error'], 200)}"


def _time(time: dict[str, float]) -> str:
    busy, work, whole = (int(time[name] * MICRO) for name in ("busy", "work", "whole"))
    waited = f", {duration(whole - busy)} more without a process" if whole - busy > MICRO else ""
    return f"{duration(work)} of work in {duration(busy)} ({time['at_once']:.1f} at once){waited}"
