"""Whether what is stored is what was written: the chain of a run's events, and the values they name by digest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from stretto.core.canonical import decode, digest
from stretto.core.errors import JournalError, UsageError
from stretto.core.events import STATE_AFTER, Pruned, Row
from stretto.core.ports import RunRow, Store
from stretto.core.values import RunState
from stretto.journal.chain import parse, verify


@dataclass(frozen=True, slots=True)
class Head:
    """How far a run's chain went, and the hash of its last event then: to be kept where nobody can change it."""

    run: str
    events: int
    head: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What an audit says of one run: `problem` names the first bad event, and is empty where all is well.

    `head` is the last event's hash: whoever keeps it elsewhere can tell later that nothing was cut off. `note` says
    what is no problem, and less than a whole record.
    """

    run: str
    events: int
    head: str
    problem: str = ""
    note: str = ""


async def audit(store: Store, run: str, anchor: Head | None = None) -> Finding:
    """Check a run's chain and its stored values, and that it still has the head that it had once."""
    index = await store.find(run)  # before the events: these may have grown since, and never shrink
    rows = await store.read(run)
    problem = verify(rows) or (_cut(index, rows) if index is not None else "")
    return _found(run, rows, problem or await _lost_value(store, rows), anchor)


def audit_file(path: Path, anchors: Mapping[str, Head] = MappingProxyType({})) -> list[Finding]:
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
    missing = {run: list[Row]() for run in anchors if run not in runs}
    return [_found(run, rows, verify(rows), anchors.get(run)) for run, rows in (runs | missing).items()]


async def heads(store: Store) -> list[Head]:
    """The heads of all runs, by id."""
    ids = sorted(row.id for row in await store.runs(limit=1_000_000))
    return [Head(id, len(rows), rows[-1].hash) for id in ids if (rows := await store.read(id))]


def read_heads(path: Path) -> list[Head]:
    """The heads of a file that `stretto audit heads` printed, as text or as JSON."""
    text = path.read_text(encoding="utf-8")
    try:
        if text.lstrip().startswith("["):
            return [Head(str(one["run"]), int(one["events"]), str(one["head"])) for one in decode(text)]
        lines = [line.rsplit(maxsplit=2) for line in text.splitlines() if line.strip()]
        return [Head(run, int(events), head) for run, events, head in lines]
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} holds no heads: {error}; `stretto audit heads` prints some") from error


def _since(head: Head, rows: Sequence[Row]) -> str:
    """What is wrong with a run that once had this head: nothing where it at most went on."""
    if not rows:
        return f"the run is gone; {head.events} events of it were anchored"
    if len(rows) < head.events:
        return f"event {len(rows)} is missing, and all behind it: {head.events} events were anchored"
    known = rows[head.events - 1].hash
    if known != head.head:
        return f"event {head.events - 1} was anchored as {head.head[:12]}, and is {known[:12]}: the run was rewritten"
    return ""


def _cut(index: RunRow, rows: Sequence[Row]) -> str:
    """What the index of runs knows of and the events do not have any more: their end was cut off."""
    if not index.updated or (rows and rows[-1].time >= index.updated and _has_been(index.state, rows)):
        return ""
    return f"event {len(rows)} is missing, and all behind it: the index has the run as {index.state.value}"


def _has_been(state: RunState, rows: Sequence[Row]) -> bool:
    return any(STATE_AFTER.get(row.kind) is state for row in reversed(rows))


def _found(run: str, rows: Sequence[Row], problem: str | None, anchor: Head | None = None) -> Finding:
    problem = problem or (_since(anchor, rows) if anchor is not None else "")
    return Finding(run, len(rows), rows[-1].hash if rows else "", problem, "" if problem else _note(rows))


def _note(rows: Sequence[Row]) -> str:
    event = rows[-1].event() if rows else None
    if not isinstance(event, Pruned):
        return ""
    date = time.strftime("%Y-%m-%d", time.gmtime(rows[-1].time / 1e6))
    return f"pruned on {date} by {event.by}: contents gone, order and count of {event.events} events proven"


async def _lost_value(store: Store, rows: Sequence[Row]) -> str:
    checked: set[str] = set()
    for row in rows:
        left = list(_values(row))
        while left:
            key, is_message = left.pop()
            if key in checked:
                continue
            checked.add(key)
            try:
                data = await store.blob(key)
            except JournalError:
                return f"event {row.seq} ({row.kind}) names the value {key[:12]}, which is missing"
            if digest(data) != key:
                return (
                    f"event {row.seq} ({row.kind}) names the value {key[:12]}, which was changed after it was written"
                )
            if is_message and (before := decode(data)["after"]):
                left.append((before, True))
    return ""


def _values(row: Row) -> Iterator[tuple[str, bool]]:
    """The values that an event names, and whether each is a message, which names the one before it."""
    body = decode(row.body) or {}
    yield from ((value, False) for name, value in body.items() if name.endswith("@"))
    if row.ident.startswith("model "):
        request, result = body.get("request") or {}, body.get("result") or {}
        yield from ((request[name], name == "conversation") for name in ("conversation", "frame") if request.get(name))
        if "message" in result:
            yield result["message"], True
