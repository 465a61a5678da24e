"""What models say, written to stdout as they say it: one message after the other, whoever else speaks meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from stretto.app.handle import Run
from stretto.app.streams import Part
from stretto.cli.terminal import note, safe
from stretto.runtime.recording import ROOT

T = TypeVar("T")
PAUSE = 0.05
"""Seconds between two looks whether a run that waited goes on."""


class Speech:
    """A run's messages as text. The messages of an agent that was started by itself are its own words; where workers
    speak in a run, each message stands under a line with its worker's name."""

    def __init__(self) -> None:
        self.said = ""
        """The last message that was told to its end."""
        self._after = -1
        self._over = False
        self._open: Part | None = None
        self._text = ""
        self._later: dict[str, list[Part]] = {}

    async def along(self, run: Run, after: int, work: Coroutine[Any, Any, T]) -> T:
        """Speak while `work` sees the run through, from behind event `after`."""
        self._after, self._over = after, False
        speaking = asyncio.get_running_loop().create_task(self._speak(run))
        try:
            result = await work
            self._over = True
            await speaking
        finally:
            speaking.cancel()
            self._line()
        return result

    async def _speak(self, run: Run) -> None:
        while True:
            is_last = self._over
            async for part in run.stream(after=self._after):
                if self._is_heard(run, part):
                    self._tell(run, part)
            self._after = len(run.events) - 1
            if is_last:
                return
            await asyncio.sleep(PAUSE)

    def _is_heard(self, run: Run, part: Part) -> bool:
        """Whether it is part of the conversation: in an agent's run, what its tools and judges say is not."""
        if not run.converses:
            return True
        task = run.view.tasks.get(part.task)
        return task is None or task.parent == ROOT or task.label == "handoff"

    def _tell(self, run: Run, part: Part) -> None:
        if self._open is not None and part.message != self._open.message:
            self._later.setdefault(part.message, []).append(part)
            return
        if self._open is None:
            self._open, self._text = part, ""
        if part.text:
            if not self._text and not run.converses:
                note(f"{part.worker}:")
            sys.stdout.write(safe(part.text))
            sys.stdout.flush()
            self._text += part.text
        if part.end:
            self._end(run, part)

    def _end(self, run: Run, part: Part) -> None:
        self._line()
        if part.end == "lost" and self._text:
            note("(that was cut off, and does not count)")
        self.said = self._text.removesuffix("\n") if part.end == "said" else ""
        self._open = None
        for message in list(self._later):
            for held in self._later.pop(message):
                self._tell(run, held)

    def _line(self) -> None:
        """End the line that was begun."""
        if self._open is not None and self._text and not self._text.endswith("\n"):
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._text += "\n"
