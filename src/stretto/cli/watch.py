"""The run that a command follows: its events folded as they are committed, and shown."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Protocol, cast

from stretto.app.gaps import Gaps
from stretto.app.streams import Listener, Part
from stretto.core.events import Declined, Ref, Row
from stretto.core.ports import Store
from stretto.runtime.view import View


class Display(Protocol):
    """What shows a run while it goes on; entered and left around it."""

    is_live: bool
    """Whether it shows what models say while they say it."""

    def __enter__(self) -> Display: ...

    def __exit__(self, *_: object) -> None: ...

    def see(self, row: Row, watch: Watch) -> None:
        """An event was just folded into the view."""
        ...

    def tick(self, watch: Watch) -> None:
        """Some time has passed."""
        ...

    def aside(self) -> AbstractContextManager[object]:
        """Keep still while somebody is asked."""
        ...


class Watch:
    """An observer of one run. What was recorded before is folded by `catch_up`, and not shown event by event."""

    def __init__(self, display: Display) -> None:
        self.display = display
        self.view = View()
        self.gaps = Gaps()
        self.declined: list[Declined] = []
        """The answers that were not taken."""
        self.listener: Listener | None = None
        """Hears what models say, where the display shows it."""
        self._said: dict[str, Part] = {}
        self._missed = False

    def hear(self) -> None:
        """Take in what models have said since the last time."""
        for part in self.listener.take() if self.listener is not None else ():
            before = self._said.get(part.message)
            self._said[part.message] = replace(part, text=before.text + part.text) if before is not None else part

    @property
    def speaking(self) -> Part | None:
        """What is being said now, by the one who began last."""
        return next((part for part in reversed(self._said.values()) if part.text), None)

    def see(self, rows: Sequence[Row]) -> None:
        """See `Observer`."""
        for row in rows:
            if row.seq == self.view.seq + 1:
                self._fold(row)
                self.display.see(row, self)
            elif row.seq > self.view.seq:
                self._missed = True

    async def catch_up(self, store: Store, run: str, *, quietly: bool = False) -> None:
        """Read what others have recorded."""
        rows = await store.read(run, self.view.seq)
        if quietly:
            for row in rows:
                self._fold(row)
        else:
            self.see(rows)
        self._missed = False

    async def complete(self, store: Store) -> None:
        """Fetch a plan that is too large to stand in its event."""
        if any(isinstance(value, Ref) for _, _, _, value in self.view.decisions):
            await self.view.whole(store.blob)

    @property
    def has_missed(self) -> bool:
        """Whether events went by while another process held the run, so that `catch_up` is needed."""
        return self._missed

    def _fold(self, row: Row) -> None:
        self.gaps.see(row)
        self._said.pop(f"{row.scope} {row.ident}", None)
        if row.kind == Declined.kind:
            self.declined.append(cast(Declined, row.event()))
        self.view.see(row)


class Silent:
    """Shows nothing: for programs."""

    is_live = False

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def see(self, row: Row, watch: Watch) -> None:
        """See `Display`."""

    def tick(self, watch: Watch) -> None:
        """See `Display`."""

    def aside(self) -> AbstractContextManager[object]:
        """See `Display`."""
        return nullcontext()
