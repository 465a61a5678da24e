"""What models say, written to stdout as they say it: one message after the other, whoever else speaks meanwhile."""

from __future__ import annotations

import sys

from stretto.app import conversing
from stretto.app.handle import Run
from stretto.app.host import App
from stretto.app.streams import Hearing, Part
from stretto.cli.terminal import note, safe
from stretto.runtime.recording import ROOT


class Speech:
    """A run's messages as text. The messages of an agent that was started by itself are its own words; where workers
    speak in a run, each message stands under a line with its worker's name."""

    def __init__(self) -> None:
        self.said = ""
        """The last message that was told to its end."""
        self._hearing: Hearing | None = None
        self._alone: bool | None = None
        self._open: Part | None = None
        self._text = ""
        self._later: dict[str, list[Part]] = {}

    def listen(self, app: App, id: str, after: int) -> None:
        """Listen from now on, to what is said behind event `after`."""
        self._app, self._run = app, Run(app, id)
        self._hearing = Hearing(self._run, app, after, app.voices.listen(id))

    async def speak(self) -> None:
        """Say what was said since the last time."""
        if self._hearing is None:
            return
        if self._alone is None:
            self._alone = await conversing.converses(self._app, self._run.id)
        for part in await self._hearing.news():
            if self._is_heard(self._run, part):
                self._tell(part)

    def end(self) -> None:
        """Nothing more will be said."""
        self._line()

    def _is_heard(self, run: Run, part: Part) -> bool:
        """Whether it is part of the conversation: in an agent's run, what its tools and judges say is not."""
        if not self._alone:
            return True
        task = run.view.tasks.get(part.task)
        return task is None or task.parent == ROOT or task.label == "handoff"

    def _tell(self, part: Part) -> None:
        if self._open is not None and part.message != self._open.message:
            self._later.setdefault(part.message, []).append(part)
            return
        if self._open is None:
            self._open, self._text = part, ""
        if part.text:
            if not self._text and not self._alone:
                note(f"{part.worker}:")
            sys.stdout.write(safe(part.text))
            sys.stdout.flush()
            self._text += part.text
        if part.end:
            self._end(part)

    def _end(self, part: Part) -> None:
        self._line()
        if part.end == "lost" and self._text:
            note("(that was cut off, and does not count)")
        self.said = self._text.removesuffix("\n") if part.end == "said" else ""
        self._open = None
        for message in list(self._later):
            for held in self._later.pop(message):
                self._tell(held)

    def _line(self) -> None:
        """End the line that was begun."""
        if self._open is not None and self._text and not self._text.endswith("\n"):
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._text += "\n"
