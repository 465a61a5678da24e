"""Seeing a run through: held here or by another process, until it has ended or waits for somebody who is not here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from stretto.app.handle import Run
from stretto.app.host import App
from stretto.app.questions import described
from stretto.cli import keyboard
from stretto.cli.terminal import note
from stretto.cli.watch import Watch
from stretto.core.errors import UsageError
from stretto.core.values import Answer, RunState
from stretto.runtime.view import WaitView

if TYPE_CHECKING:
    from stretto.cli.question import Questions
    from stretto.cli.speech import Speech

TICK = 0.1
"""Seconds between two looks at a run."""
SPEAKING = 0.03
"""The same where what models say is written down as they say it."""
NAP = 300
"""Seconds that a sleeping run is waited for; for longer ones nobody sits there."""
CLAIM = 1.0
"""Seconds between two tries to take up a run whose holder may have died."""


class Follower:
    """One run, seen through by one command. `standing` names tools whose calls `by` has said yes to beforehand."""

    def __init__(
        self,
        app: App,
        run: str,
        watch: Watch,
        by: str,
        questions: Questions | None = None,
        standing: Iterable[str] = (),
        speech: Speech | None = None,
    ) -> None:
        self._app, self._id, self._watch, self._by, self._questions = app, run, watch, by, questions
        self._standing, self._speech = frozenset(standing), speech
        self._answered: set[str] = set()
        self._postponed: set[str] = set()
        self._heard = 0
        self._claimed = time.monotonic()

    @property
    def is_alone(self) -> bool:
        """Whether nobody here can be asked again."""
        return self._questions is None

    async def is_taken(self, wait: str) -> bool:
        """Whether another process, which holds the run, has taken the answer; False once this one has to."""
        while not await self._is_answered(wait):
            await self._claim()
            if self._app.drives(self._id) or self._watch.view.state is not RunState.RUNNING:
                return False
            await asyncio.sleep(TICK)
        return True

    async def to_rest(self) -> Run:
        """The run, once it has ended, or waits for what nobody here can give."""
        await self._look()
        if not self._app.drives(self._id) and self._watch.view.state is RunState.RUNNING:
            note("another process holds this run; following it")
        with self._watch.display:
            while not await self._is_at_rest():
                await self._pause()
                await self._look()
            await self._speak()
        if self._speech is not None:
            self._speech.end()
        run: Run = await self._app.get(self._id)
        return run

    async def _look(self) -> None:
        """See what was committed meanwhile."""
        if self._watch.has_missed or not self._app.drives(self._id):
            await self._watch.catch_up(self._app.store, self._id)
        await self._watch.complete(self._app.store)
        for declined in self._watch.declined[self._heard :]:
            self._heard += 1
            self._answered.discard(declined.letter.split(" ")[1])
            if self._questions is not None:
                note(f"  the answer was not taken: {declined.reason}")
        await self._speak()
        self._watch.hear()
        self._watch.display.tick(self._watch)

    async def _speak(self) -> None:
        if self._speech is not None:
            await self._speech.speak()

    async def _pause(self) -> None:
        pause = TICK if self._speech is None else SPEAKING
        if not self._app.drives(self._id):
            await asyncio.sleep(pause)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._app.settled(self._id)

    async def _is_at_rest(self) -> bool:
        view = self._watch.view
        if view.state.ended:
            return True
        if await self._answers():
            return False
        if self._app.drives(self._id):
            return False
        if view.state is RunState.WAITING:
            return await self._is_parked()
        await self._claim()
        return False

    async def _is_parked(self) -> bool:
        """Whether a parked run waits for more than the clock, or for long; one that slept long enough is woken."""
        if any(wait.asked.ask != "timer" for wait in self._watch.view.open_waits):
            return True
        wake = min((wait.asked.expires or 0 for wait in self._watch.view.open_waits), default=0)
        left = wake / 1e6 - time.time()
        if left <= 0:
            await self._app.take_up(self._id)
        return left > NAP

    async def _claim(self) -> None:
        """Take the run up where its holder has died."""
        if time.monotonic() - self._claimed > CLAIM:
            self._claimed = time.monotonic()
            await self._app.take_up(self._id)

    # ---- answers from here

    async def _answers(self) -> bool:
        """Give one answer, if there is a question that can be answered here."""
        for wait in self._watch.view.open_waits:
            asked = wait.asked
            if asked.wait in self._answered | self._postponed or asked.ask in ("timer", "signal"):
                continue
            if asked.ask == "approval" and asked.tool in self._standing:
                return await self._give(asked.wait, Answer("approve"))
            if self._questions is not None:
                return await self._put(self._questions, wait)
        return False

    async def _put(self, questions: Questions, wait: WaitView) -> bool:
        """Ask the terminal."""
        asked = await described(self._id, wait, self._app.store.blob)
        begun = time.monotonic()
        try:
            with self._watch.display.aside():
                answer = await questions.ask(asked, lambda: self._is_answered(wait.asked.wait))
        except keyboard.Answered:
            note("\n  (answered elsewhere)")
            return True
        if answer is None:
            self._postponed.add(wait.asked.wait)
            return True
        shown = replace(answer, shown=round(time.monotonic() - begun, 1))
        return await self._give(wait.asked.wait, shown)

    async def _is_answered(self, wait: str) -> bool:
        await self._watch.catch_up(self._app.store, self._id)
        return wait not in {found.asked.wait for found in self._watch.view.open_waits}

    async def _give(self, wait: str, answer: Answer) -> bool:
        self._answered.add(wait)
        try:
            await give(await self._app.get(self._id), wait, answer, self._by)
        except UsageError as error:
            note(f"  {error}")
        return True


async def give(run: Run, wait: str | None, answer: Answer, by: str) -> None:
    """Give a run an answer in the form of its decision."""
    match answer.decision:
        case "approve":
            await run.approve(wait, by=by, edit=answer.value, shown=answer.shown)
        case "reject":
            await run.reject(wait, by=by, reason=answer.reason)
        case "answer":
            await run.answer(wait, answer.value, by=by)
        case decision:
            await run.resolve(wait or "", decision, by=by, result=answer.value)
