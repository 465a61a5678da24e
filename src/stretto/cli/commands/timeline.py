"""`stretto timeline ID`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from stretto.app.host import App
from stretto.app.timeline import Lane, Timeline, timeline
from stretto.cli import codes, options
from stretto.cli.listing import painted, width
from stretto.cli.options import Common
from stretto.cli.session import reading
from stretto.cli.terminal import in_line, is_unicode, out_json, tell
from stretto.cli.tree import SIGNS
from stretto.cli.words import MICRO, counted, duration, table, tokens

_SIGNS = {
    "model": ("█", "m", "running"), "tool": ("▓", "t", "done"), "step": ("▒", "s", "done"), "queue": ("░", "q", "doubt"),
    "person": ("?", "?", "waiting"), "signal": ("~", "~", "waiting"), "timer": (".", ".", "waiting"),
    "own": ("─", "-", "left"), "idle": (" ", " ", "left"),
}  # fmt: skip
"""How a stretch is drawn: in Unicode, in ASCII, and in the colour of which state."""
_SAID = {
    "model": "models", "tool": "tools", "step": "other steps", "queue": "queues", "person": "people",
    "signal": "signals", "timer": "timers",
}  # fmt: skip
_NAMES = 34
_ROOM = 60
"""Tasks that are shown, and with --steps lines."""


@click.command("timeline")
@click.argument("id")
@click.option("--steps", is_flag=True, help="A line for each step as well.")
@options.common
def command(common: Common, id: str, steps: bool) -> int:
    """Where run ID's time went: tasks over time, by models, tools, queues and waiting; what was slow, and what gained."""

    async def work(app: App) -> int:
        run = await app.get(id)
        line = timeline(run.view, run.events, time.time_ns() // 1000)
        if common.json:
            out_json(line.as_json())
        else:
            tell("\n".join(_told(line, steps=steps)))
        return codes.DONE

    return reading(common, work)


def _told(line: Timeline, *, steps: bool) -> Iterator[str]:
    spent = line.time
    yield f"{line.run}  {painted(line.state, line.state)}"
    waited = f", {_time(spent.wall - spent.busy)} more without a process" if spent.wall - spent.busy > 1 else ""
    yield f"  wall time  {_time(spent.busy)}{waited}"
    yield f"  steps      {_time(spent.steps)} in all" + (
        f", {_time(spent.work)} with plain tasks" if spent.work > spent.steps else ""
    )
    yield f"  gain       {spent.at_once:.1f} at once"
    shares = [f"{_SAID[kind]} {_time(spent.by_kind[kind])}" for kind in _SAID if kind in spent.by_kind]
    if shares:
        yield f"  of these   {', '.join(shares)}"
    yield ""
    yield from _chart(line, steps=steps)
    yield from table("slowest steps", (_slow(one) for one in line.slowest))
    yield from table("most tokens", (_hog(one) for one in line.hogs))
    yield from table("longest hand-overs", (_handed(one) for one in line.handovers if one["seconds"] >= 0.0005))


# ---- the chart


class _Scale:
    """Where a time stands on a line of `room` characters. Times without a process take two, however long they were."""

    def __init__(self, line: Timeline, room: int) -> None:
        self._idle, self.room = line.idle, room
        self._gap = 2.0
        free = max(1.0, room - self._gap * len(self._idle))
        self._busy = max(line.time.busy, 1e-6)
        self._by = free / self._busy

    def at(self, seconds: float) -> float:
        idle = sum(max(0.0, min(end, seconds) - begin) for begin, end in self._idle)
        passed = sum(self._gap for begin, end in self._idle if seconds >= end)
        return (seconds - idle) * self._by + passed


def _chart(line: Timeline, *, steps: bool) -> Iterator[str]:
    room = max(20, width() - _NAMES - 20)
    scale = _Scale(line, room)
    rows = list(_rows(line, steps=steps))
    for depth, name, state, took, used, bar in rows[:_ROOM]:
        indent = " " * min(depth, _NAMES // 3)
        drawn = _drawn(bar, scale)
        sign = painted(SIGNS.get(state, " "), state)
        told = f"{indent}{in_line(name, _NAMES - 3 - len(indent))}"
        yield f"{sign} {told:<{_NAMES - 2}}{drawn} {took:>8}{used and f'  {used}'}".rstrip()
    if len(rows) > _ROOM:
        yield f"… {counted(len(rows) - _ROOM, 'line')} more: --json has all"
    kinds = dict.fromkeys(one.kind for lane in line.lanes for one in lane.stretches)
    yield "  " + "  ".join(f"{_sign(kind)} {_SAID[kind]}" for kind in [*kinds]) + f"  {_sign('own')} the task itself"


Bar = list[tuple[str, float, float]]


def _rows(line: Timeline, *, steps: bool) -> Iterator[tuple[int, str, str, str, str, Bar]]:
    for lane in line.lanes:
        said = f"{lane.worker}  {lane.label}" if lane.label else lane.worker
        used = f"{tokens(lane.tokens)} tok" if lane.tokens else ""
        yield lane.depth, in_line(said), lane.state, _time(lane.ended - lane.begun), used, _bar(lane)
        for one in lane.stretches if steps else ():
            bar: Bar = [(one.kind, one.begun, one.ended)]
            yield lane.depth + 1, f"{one.kind} {in_line(one.name)}", one.state, _time(one.took), "", bar


def _bar(lane: Lane) -> Bar:
    return [("own", lane.begun, lane.ended), *((one.kind, one.begun, one.ended) for one in lane.stretches)]


def _drawn(bar: Bar, scale: _Scale) -> str:
    """Each character is what took most of its time; a stretch that is shorter than one still shows."""
    cells = [""] * scale.room
    share = [0.0] * scale.room
    for kind, begun, ended in bar:
        first, last = scale.at(begun), scale.at(ended)
        for cell in range(max(0, int(first)), min(scale.room, int(last) + 1)):
            part = max(min(last, cell + 1) - max(first, cell), 0.01)
            if kind == "own" or part > share[cell]:
                cells[cell], share[cell] = kind, 0.0 if kind == "own" else part
    return _painted(cells)


def _painted(cells: Sequence[str]) -> str:
    """Runs of the same kind in its colour."""
    drawn, at = "", 0
    while at < len(cells):
        end = at
        while end < len(cells) and cells[end] == cells[at]:
            end += 1
        kind = cells[at] or "idle"
        drawn += painted(_sign(kind) * (end - at), _SIGNS[kind][2])
        at = end
    return drawn


def _sign(kind: str) -> str:
    full, plain, _ = _SIGNS[kind]
    return full if is_unicode(sys.stdout) else plain


# ---- what stands out


def _slow(one: dict[str, Any]) -> str:
    of = f" of {in_line(one['worker'])}" if one["worker"] else ""
    return f"  {_time(one['seconds']):>8}  step {one['step']}  {one['kind']} {in_line(one['name'])}{of}"


def _hog(one: dict[str, Any]) -> str:
    label = f" ({in_line(one['label'])})" if one["label"] else ""
    usd = f", ${float(one['usd']):.4f}" if float(one["usd"]) else ""
    used = f"{tokens(one['input'])} read, {tokens(one['output'])} written in {counted(one['calls'], 'call')}{usd}"
    return f"  {one['share']:>8.0%}  step {one['step']}  {in_line(one['worker'])}{label}: {used}"


def _handed(one: dict[str, Any]) -> str:
    label = f" ({in_line(one['label'])})" if one["label"] else ""
    after = f"step {one['after']}" if one["after"] is not None else "the beginning"
    return f"  {_time(one['seconds']):>8}  from {after} to {in_line(one['worker'])}{label}, step {one['step']}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 0.0995 else duration(int(seconds * MICRO))
