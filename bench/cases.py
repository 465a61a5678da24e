"""What is measured, and what was promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import floor
import ours

W1 = [b"w" * length for length in (400, 380, 600, 280, 600, 220, 220, 140, 120, 200, 160, 160)]
"""An agent's seven events and five messages, by their length in the database."""


@dataclass(frozen=True)
class Case:
    """One line of the table. `units` are done by one go; `figure` is what is read off it."""

    name: str
    unit: str
    figure: Literal["cpu", "wall", "stall", "value"]
    ours: Any
    floor: Any = None
    units: float = 1
    promise: str = ""
    scale: float = 1e6


def always(_: int) -> bool:
    return True


CASES = [
    Case("agent, one tool call, in memory", "us CPU", "cpu", ours.agents(300), floor.agents(300), 300, "80 us"),
    Case("agent, durable, alone", "us CPU", "cpu", ours.agents(60, durable=True), floor.agents(60, durable=W1), 60),
    Case(
        "agent, durable, alone",
        "us wall",
        "wall",
        ours.agents(60, durable=True),
        floor.agents(60, durable=W1),
        60,
        "250 us + fsync",
    ),
    Case(
        "agent, durable, 50 at once",
        "us CPU",
        "cpu",
        ours.agents(500, at_once=50, durable=True),
        floor.agents(500, at_once=50, durable=W1),
        500,
        "120 us",
    ),
    Case("50 runs x 100 steps", "us CPU a step", "cpu", ours.steps(50, 100), floor.steps(50, 100), 5000, "35 us"),
    Case("50 runs x 100 steps", "us wall a step", "wall", ours.steps(50, 100), floor.steps(50, 100), 5000, "40 us"),
    Case(
        "50 runs x 100 steps with intent",
        "us CPU a step",
        "cpu",
        ours.steps(50, 100, keyed=always),
        floor.steps(50, 100, keyed=always),
        5000,
    ),
    Case(
        "one run x 100 steps, each fsynced",
        "us wall a step",
        "wall",
        ours.steps(1, 100, keyed=always),
        floor.steps(1, 100, keyed=always),
        100,
        "833 us",
    ),
    Case(
        "one run x 100 steps, an intent on every fifth",
        "us wall a step",
        "wall",
        ours.steps(1, 100, keyed=floor.every_fifth),
        floor.steps(1, 100, keyed=floor.every_fifth),
        100,
        "333 us",
    ),
    Case("pipeline, a worker", "us CPU", "cpu", ours.pipelined, floor.pipeline, 500, "25 us"),
    Case(
        "fan-out to 1,000 workers",
        "us CPU a worker",
        "cpu",
        ours.spread(ours.wide, 1000, 1000),
        floor.spread(floor.wide, 1000, 1000),
        1000,
    ),
    Case(
        "tree of depth 4 and width 8",
        "us CPU a worker",
        "cpu",
        ours.spread(ours.tree, 4, 4096),
        floor.spread(floor.tree, 4, 4096),
        4681,
    ),
    Case(
        "100 parallel agents, 50 ms model",
        "ms wall",
        "wall",
        ours.parallel(durable=False),
        floor.parallel,
        1,
        "55 ms",
        1e3,
    ),
    Case(
        "100 parallel agents, durable", "ms wall", "wall", ours.parallel(durable=True), floor.parallel, 1, "60 ms", 1e3
    ),
    Case(
        "1,000 runs at once, 50 ms model",
        "ms wall",
        "wall",
        ours.agents(1000, at_once=1000, latency=0.05),
        floor.agents(1000, at_once=1000, latency=0.05),
        1,
        "200 ms",
        1e3,
    ),
    Case(
        "1,000 runs at once, durable",
        "ms wall",
        "wall",
        ours.agents(1000, at_once=1000, latency=0.05, durable=True),
        floor.agents(1000, at_once=1000, latency=0.05, durable=W1),
        1,
        "250 ms",
        1e3,
    ),
    Case(
        "1,000 runs at once, longest stall",
        "ms",
        "stall",
        ours.agents(1000, at_once=1000, latency=0.05),
        floor.agents(1000, at_once=1000, latency=0.05),
        1,
        "30 ms",
        1e3,
    ),
    Case(
        "journal, 100 steps of 1 KB",
        "bytes a byte",
        "value",
        ours.steps(1, 100, step=ours.page),
        floor.steps(1, 100, body=1024),
        1,
        "1.5",
        1,
    ),
    Case(
        "journal, 2,000 steps of 1 KB",
        "bytes a byte",
        "value",
        ours.steps(1, 2000, step=ours.page),
        floor.steps(1, 2000, body=1024),
        1,
        "1.5",
        1,
    ),
    Case("replay of 10,000 steps", "ms wall", "wall", ours.replay, floor.replay, 1, "100 ms", 1e3),
    Case("replay of 10,000 steps", "ms CPU", "cpu", ours.replay, floor.replay, 1, "", 1e3),
    *(
        Case(f"turn {turn} of a conversation{where}", "ms CPU", "cpu", ours.talk(turn, anew=anew), None, 10, level, 1e3)
        for where, anew, level in (("", False, "level"), (", in a new app", True, ""))
        for turn in (10, 100, 400)
    ),
    *(
        case
        for count in (100, 500, 1000, 2000)
        for case in (
            Case(f"one agent, {count:,} turns", "us CPU a turn", "cpu", ours.turns(count), None, count, "level"),
            Case(f"one agent, {count:,} turns", "bytes a turn", "value", ours.turns(count), None, 1, "level", 1),
        )
    ),
]
