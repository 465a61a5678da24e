"""The run that a command follows: its events folded as they are committed, and shown."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, cast

from stretto.app.gaps import Gaps
from stretto.core.events import Declined, Ref, Row
from stretto.core.ports import Store
from stretto.runtime.view import View


class Display(Protocol):
    """What shows a run while it goes on; entered and left around it."""

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
        self._missed = False

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
        if row.kind == Declined.kind:
            self.declined.append(cast(Declined, row.event()))
        self.view.see(row)


class Silent:
    """Shows nothing: for programs."""

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
