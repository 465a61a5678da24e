"""When nobody held a run: parked, or its process gone. What a task took does not count that time."""

from __future__ import annotations

from collections.abc import Iterable

from stretto.core.events import Row, RunResumed

SECOND = 1_000_000
"""Microseconds, as the journal counts time."""


class Gaps:
    """The times between a run's last event in one process and its first in the next."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._gaps: list[tuple[int, int]] = []
        self._last = 0
        for row in rows:
            self.see(row)

    def see(self, row: Row) -> None:
        """Take in the next event."""
        if row.kind == RunResumed.kind:
            self._gaps.append((self._last, row.time))
        self._last = row.time

    def rest(self, until: int) -> Gaps:
        """Nobody has held it since the last event: the same with that as well."""
        self._gaps.append((self._last, until))
        return self

    @property
    def idle(self) -> list[tuple[int, int]]:
        """Those times, in microseconds since 1970."""
        return list(self._gaps)

    def busy(self, begun: int, ended: int) -> int:
        """Microseconds between two times in which some process held the run."""
        idle = sum(max(0, min(end, ended) - max(start, begun)) for start, end in self._gaps)
        return max(0, ended - begun - idle)
