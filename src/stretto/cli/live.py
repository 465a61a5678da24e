"""The live tree in a terminal: what the run does now, redrawn in place on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stretto.app.progress import progress
from stretto.cli.terminal import drawn, in_line, is_unicode
from stretto.cli.tree import Line, lines
from stretto.cli.watch import Watch
from stretto.cli.words import counted, duration, spent
from stretto.core.events import Row
from stretto.core.values import RunState

STYLES = {
    "done": "green", "failed": "bold red", "waiting": "bold yellow", "doubt": "bold magenta", "running": "cyan",
    "planned": "dim", "left": "dim", "more": "dim",
}  # fmt: skip
_SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPIN_ASCII = "|/-\\"
FRAME = 0.2
"""Seconds between two drawings."""
_SPEECH = 3
"""Lines of what is being said."""
_LAST_ROOM = 60
"""Lines that the tree may take when it stays on the screen."""


class LiveTree:
    """See `Display`."""

    is_live = True

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._drawn = 0.0
        self._watch: Watch | None = None
        self._live: Live | None = None

    def __enter__(self) -> LiveTree:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None and self._watch is not None:
            self._live.update(self._frame(self._watch, last=True))
            self._live.stop()
            self._live = None

    def see(self, row: Row, watch: Watch) -> None:
        """See `Display`."""
        self._watch = watch

    def tick(self, watch: Watch) -> None:
        """See `Display`."""
        self._watch = watch
        if self._live is not None and time.monotonic() - self._drawn >= FRAME:
            self._live.update(self._frame(watch), refresh=True)
            self._drawn = time.monotonic()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """See `Display`."""
        if self._live is not None:
            self._live.transient = True
            self._live.stop()
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        self._live = Live(
            console=self._console, auto_refresh=False, redirect_stdout=sys.stdout.isatty(), vertical_overflow="crop"
        )
        self._live.start()
        self._drawn = 0.0

    # ---- a frame

    def _frame(self, watch: Watch, *, last: bool = False) -> RenderableType:
        view, now = watch.view, time.time_ns() // 1000
        room = max(3, self._console.size.height - 5 - (_SPEECH + 1 if watch.speaking else 0))
        tree = lines(view, watch.gaps, now, max(room, _LAST_ROOM) if last else room, whole=last)
        if not tree:
            return Text("")
        head = self._head(watch, now if view.state is RunState.RUNNING else view.updated, still=last)
        if last:
            return Group(head, self._table(tree))
        typed = Text("")  # what is typed meanwhile lands in the last line
        return Group(head, Text(""), self._table(tree), *self._speech(watch), typed)

    def _speech(self, watch: Watch) -> Iterator[RenderableType]:
        """The last words of who speaks now, on so many lines at most."""
        part = watch.speaking
        if part is None or self._console.size.height < 3 * _SPEECH:
            return
        width = max(20, self._console.size.width - 4)
        words = in_line(part.text, len(part.text))[-width * (_SPEECH - 1) :]
        yield Text("")
        yield Text(self._fit(f"  {part.worker}: {words}"), style="italic dim", overflow="fold")

    def _head(self, watch: Watch, until: int, *, still: bool) -> Text:
        view = watch.view
        done, total = progress(view)
        facts = [
            view.id,
            duration(watch.gaps.busy(view.begun, until)),
            f"{done} of {counted(total, 'task')}",
            spent(view.spend),
        ]
        head = Text(no_wrap=True, overflow="ellipsis")
        if not still:
            head.append(f"{self._spinner(view.state)} ", style="cyan")
        head.append(view.worker, style="bold")
        return head.append(self._fit("  " + " · ".join(fact for fact in facts if fact)), style="dim")

    def _spinner(self, state: RunState) -> str:
        frames = _SPIN if is_unicode(sys.stderr) else _SPIN_ASCII
        return frames[int(time.monotonic() / FRAME) % len(frames)] if state is RunState.RUNNING else " "

    def _table(self, tree: Sequence[Line]) -> Table:
        table = Table.grid(expand=True, padding=(0, 0, 0, 2))
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        columns = [column for column in ("took", "tokens", "money") if any(getattr(line, column) for line in tree)]
        for _ in columns:
            table.add_column(justify="right", no_wrap=True, style="dim")
        for line in tree:
            table.add_row(self._line(line), *(self._fit(getattr(line, column)) for column in columns))
        return table

    def _line(self, line: Line) -> Text:
        style = STYLES[line.state]
        text = Text("  " * (line.depth + 1)).append(self._fit(line.sign), style=style)
        text.append(
            f" {self._fit(line.name)}", style=style if line.state in ("waiting", "doubt", "planned", "left") else ""
        )
        return (
            text.append(f"  {self._fit(line.detail)}", style="red" if line.state == "failed" else "dim")
            if line.detail
            else text
        )

    def _fit(self, text: str) -> str:
        return drawn(text, sys.stderr)
