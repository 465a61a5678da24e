"""`stretto stats`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from stretto.app.host import App
from stretto.app.stats import HASTY, stats
from stretto.cli import options
from stretto.cli.options import Common
from stretto.cli.result import shown
from stretto.cli.session import reading
from stretto.cli.terminal import in_line
from stretto.cli.words import MICRO, counted, duration, table
from stretto.core.values import seconds

_MOST = 10
"""Kinds of errors that are shown."""


@click.command("stats")
@click.option("--since", metavar="7d", help="Runs that began since then.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="At most so many, the newest.")
@options.common
def command(common: Common, since: str | None, last: int | None) -> int:
    """How runs end, what they fail of, what they cost, how often people step in, and whether they look."""
    begin = 0 if since is None else time.time_ns() // 1000 - int(seconds(since) * MICRO)

    async def work(app: App) -> int:
        found = await stats(app.store, since=begin, last=last)
        return shown(common, found, _told(found))

    return reading(common, work)


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    states = ", ".join(f"{count} {state}" for state, count in found["states"].items())
    yield f"{counted(found['runs'], 'run')}{f': {states}' if states else ''}"
    yield f"cost     {_spread(found['cost'], lambda usd: f'${usd:.4f}')}"
    yield f"time     {_spread(found['time'], lambda took: duration(int(took * MICRO)))}"
    people = found["interventions"]
    yield (
        f"people   {counted(people['total'], 'answer')}, {people['per_run']} a run; "
        f"{people['runs_without']} without any, {people['by_rule']} by rules"
    )
    yield from table("failures", (f"{one['runs']:>5}  {_failure(one)}" for one in found["failures"]))
    yield from table("errors on the way", (f"{one['times']:>5}  {_error(one)}" for one in found["errors"][:_MOST]))
    yield from table("answers by people", (f"{one['answered']:>5}  {_answers(one)}" for one in people["by_tool"]))
    title = f"approved within {HASTY:g} s, or unseen"
    yield from table(title, (f"{one['hasty'] + one['unseen']:>5}  {_stamps(one)}" for one in found["rubber_stamps"]))


def _spread(numbers: Mapping[str, float], said: Any) -> str:
    return "  ".join(f"{name} {said(numbers[name])}" for name in ("p50", "p90", "p99", "max", "total"))


def _failure(one: Mapping[str, Any]) -> str:
    return f"{in_line(one['worker'])}: {in_line(one['error'])}  (the last was {one['last']})"


def _error(one: Mapping[str, Any]) -> str:
    return f"{in_line(one['worker'])}, {in_line(one['where'])}: {in_line(one['error'])}  (in {counted(one['runs'], 'run')})"


def _answers(one: Mapping[str, Any]) -> str:
    waited = duration(int(one["waited"] * MICRO))
    what = f"{one['kind']} {in_line(one['tool'])}".rstrip()
    return f"{what}  {one['rejected']} rejected, {one['edited']} edited, {waited} at the median"


def _stamps(one: Mapping[str, Any]) -> str:
    who = in_line(one["by"]) or "somebody"
    return f"of {one['approvals']} of {in_line(one['tool'])} by {who}: {one['hasty']} in haste, {one['unseen']} unseen"
