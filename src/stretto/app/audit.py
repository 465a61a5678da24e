"""Whether what is stored is what was written: the chain of a run's events, and the values they name by digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stretto.core.canonical import decode, digest
from stretto.core.errors import JournalError
from stretto.core.events import Row
from stretto.core.ports import Store
from stretto.journal.chain import parse, verify


@dataclass(frozen=True, slots=True)
class Finding:
    """What an audit says of one run: `problem` names the first bad event, and is empty where all is well.

    `head` is the last event's hash: whoever keeps it elsewhere can tell later that nothing was cut off.
    """

    run: str
    events: int
    head: str
    problem: str = ""


async def audit(store: Store, run: str) -> Finding:
    """Check a run's chain and its stored values."""
    rows = await store.read(run)
    return _found(run, rows, verify(rows) or await _lost_value(store, rows))


def audit_file(path: Path) -> list[Finding]:
    """Check the runs of an export; values that lie outside the events are not part of it."""
    runs: dict[str, list[Row]] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = parse(line)
        except JournalError as error:
            raise JournalError(f"{path}:{number}: {error}") from error
        runs.setdefault(row.run, []).append(row)
    if not runs:
        raise JournalError(f"{path} holds no events")
    return [_found(run, rows, verify(rows)) for run, rows in runs.items()]


def _found(run: str, rows: Sequence[Row], problem: str | None) -> Finding:
    return Finding(run, len(rows), rows[-1].hash if rows else "", problem or "")


async def _lost_value(store: Store, rows: Sequence[Row]) -> str:
    for row in rows:
        for key in _values(row):
            try:
                data = await store.blob(key)
            except JournalError:
                return f"event {row.seq} ({row.kind}) names the value {key[:12]}, which is missing"
            if digest(data) != key:
                return (
                    f"event {row.seq} ({row.kind}) names the value {key[:12]}, which was changed after it was written"
                )
    return ""


def _values(row: Row) -> Iterator[str]:
    for name, value in decode(row.body).items():
        if name.endswith("@"):
            yield value
