"""A long conversation costs no more a turn than a short one: counted in calls and bytes, not in time."""

import gc
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

from stretto import Agent, App
from stretto.core.messages import Delta, Message, ModelReply, ModelRequest, Rates, Text, ToolCall, Usage
from stretto.models.tokens import estimate

WINDOW = 100_000_000


class Chatty:
    """A model that calls the tool `turns` times, and counts what Python does between its answers."""

    name = "test:chatty"
    rates: Rates | None = Rates(Decimal(1), Decimal(1))
    window, max_output = WINDOW, 100

    def __init__(self, turns: int) -> None:
        self.turns, self.answers = turns, 0
        self.calls: Counter[int] = Counter()

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        self.answers += 1
        said: Text | ToolCall = ToolCall(f"call_{self.answers}", "double", {"number": self.answers})
        if self.answers > self.turns:
            said, self.answers = Text("Done."), 0
        return ModelReply(Message("assistant", (said,)), Usage(10, 5), self.name)

    def estimate(self, request: ModelRequest) -> int:
        return estimate(request, WINDOW)

    def see(self, frame: FrameType, event: str, arg: Any) -> None:
        if event in ("call", "c_call"):
            self.calls[self.answers] += 1


def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


async def _talk(turns: int, db: str) -> Chatty:
    model = Chatty(turns)
    agent = Agent(model, "You double numbers.", tools=[double], max_turns=turns + 2)
    async with App(db=db) as app:
        sys.setprofile(model.see)
        try:
            assert await (await app.start(agent, "Go on.", budget="$1000")) == "Done."
        finally:
            sys.setprofile(None)
    return model


async def test_a_turn_takes_no_more_calls_at_the_end_of_a_long_conversation() -> None:
    model = await _talk(400, ":memory:")
    early, late = (sum(model.calls[turn] for turn in range(first, first + 50)) for first in (50, 350))
    assert late < 1.1 * early, f"fifty turns took {early} calls, and {late} three hundred turns later"


async def test_a_turn_stores_no_more_bytes_at_the_end_of_a_long_conversation(tmp_path: Path) -> None:
    stored = {}
    for turns in (100, 400):
        path = tmp_path / f"{turns}.db"
        await _talk(turns, str(path))
        with closing(sqlite3.connect(path)) as database:
            (stored[turns],) = database.execute(
                "select (select sum(length(body)) from events) + (select sum(length(data)) from blobs)"
            ).fetchone()
    assert stored[400] < 4.2 * stored[100]


async def test_runs_that_are_over_leave_nothing_for_the_collector() -> None:
    agent = Agent(Chatty(1), "You double numbers.", tools=[double])
    async with App(db=":memory:") as app:

        async def runs(count: int) -> int:
            """How many objects the collector finds after so many runs."""
            gc.collect()
            gc.disable()
            try:
                for _ in range(count):
                    assert await (await app.start(agent, "Go on.", budget="$1000")) == "Done."
                return gc.collect()
            finally:
                gc.enable()

        await runs(1)
        assert await runs(10) < await runs(1) + 10
