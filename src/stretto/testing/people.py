"""The people of a simulation: who answers what a run asks, when, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from stretto.core.blobs import fetched
from stretto.core.canonical import encode
from stretto.core.errors import UsageError
from stretto.core.events import Asked, Declined, Row, StepIntended
from stretto.core.ports import Letter
from stretto.core.values import Answer
from stretto.models.minimal import minimal
from stretto.runtime.view import View
from stretto.testing.machine import Machine, SimulatedClock, at_once
from stretto.testing.simulated_store import Disk
from stretto.testing.virtual_loop import Stuck, VirtualLoop

Person = Callable[[Asked, str], Answer | None]
"""Answers a question, or does not (None). The text is the idempotency key of the call that a doubt is about."""


_TRIES = 50
"""How often people answer again after having been declined."""


def agree(asked: Asked, key: str) -> Answer | None:  # noqa: ARG001  the shape of a `Person`
    """Says yes to everything, answers questions with the least that fits, and raises a budget to plenty."""
    match asked.ask:
        case "doubt":
            raise UsageError(
                f"{asked.tool} is in doubt, and only the test knows whether it happened: give the simulation "
                'run(..., person=...), which answers Answer("done", result) or Answer("repeat") by the key it is given'
            )
        case "question" | "signal":
            least = minimal(asked.schema) if isinstance(asked.schema, dict) else None
            return Answer("answer", "yes" if least in ("", None) else least, by="simulated")
        case "timer":
            return None
        case "budget":
            return Answer("approve", "$1000, 100000000 tokens, 100000 calls", by="simulated")
        case _:
            return Answer("approve", by="simulated")


def letter(run: str, wait: str, answer: Answer, key: str = "") -> Letter:
    """An answer as it is posted."""
    names = ("decision", "value", "reason", "by", "channel")
    body = {name: getattr(answer, name) for name in names} | {"channel": "test"}
    return Letter(run, f"answer {wait}{key}", encode({"wait": wait, "answer": body}))


class Post:
    """Brings answers to the run's inbox: once it is parked, and where people are `eager` at any other time as well."""

    def __init__(self, machine: Machine, disk: Disk, *, eager: bool) -> None:
        self.run = ""
        self.person: Person = agree
        self._machine, self._disk = machine, disk
        self._due = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        if eager:
            disk.written = self._seen

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another life: who was on the way with an answer has to come again."""
        self._loop, self._due = loop, 0

    async def answer(self, person: Person, clock: SimulatedClock, loop: VirtualLoop) -> None:
        """Somebody answers an open question of the parked run, or time goes by until the clock does."""
        machine, disk = self._machine, self._disk
        waits = View(at_once(disk.read(self.run))).open_waits
        if machine.seed and waits:
            machine.random.shuffle(waits)
            waits = waits[: machine.random.randint(1, len(waits))]
        posted = False
        for wait in waits:
            posted |= self._posted(person, replace(wait.asked, schema=await fetched(wait.asked.schema, disk.blob)))
        row = at_once(disk.find(self.run))
        if posted:
            return
        if row is not None and row.wake is not None:
            loop.clock += max(0.0, (row.wake - clock.now()) / 1e6)
        elif self._due:
            await asyncio.sleep(1)
        elif not at_once(disk.due(clock.now())):
            raise Stuck(f"parked for {[wait.asked for wait in waits]}, and nobody will answer")

    def _posted(self, person: Person, asked: Asked, key: str = "") -> bool:
        answer = person(asked, self._key(asked))
        declined = sum(row.kind == Declined.kind for row in at_once(self._disk.read(self.run)))
        if declined > _TRIES:
            return False
        key = f" {declined}{key}" if declined else key  # who was declined answers again
        return answer is not None and at_once(self._disk.post(letter(self.run, asked.wait, answer, key)))

    def _key(self, asked: Asked) -> str:
        """The key of the call that a doubt is about, as its intent has it."""
        if asked.ask != "doubt":
            return ""
        rows = at_once(self._disk.read(self.run))
        scope = next(row.scope for row in rows if row.kind == Asked.kind and _asked(row).wait == asked.wait)
        events = (row.event() for row in rows if (row.kind, row.scope, row.ident) == ("step_intended", scope, asked.of))
        return next((event.key for event in events if isinstance(event, StepIntended)), "")

    # ---- eager people

    def _seen(self, rows: Sequence[Row]) -> None:
        """Some see a question as soon as it is asked, and answer soon, maybe twice, maybe after it is answered."""
        for row in rows:
            if row.kind != Asked.kind or self._loop is None or not self._machine.alive:
                continue
            for key in ("", " again", " late"):
                if self._machine.random.random() < 0.3:
                    self._due += 1
                    self._loop.call_later(self._machine.random.expovariate(20), self._come, _asked(row), key)

    def _come(self, asked: Asked, key: str) -> None:
        self._due -= 1
        if self._machine.alive:
            self._posted(self.person, asked, key)


def _asked(row: Row) -> Asked:
    event = row.event()
    assert isinstance(event, Asked)
    return event
