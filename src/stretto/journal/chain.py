"""The hash chain: every event names the hash of the one before it, so nothing can be changed, lost or moved unseen."""

from __future__ import annotations

from collections.abc import Iterable

from stretto.core.canonical import decode, digest, encode, join
from stretto.core.errors import JournalError
from stretto.core.events import NOTHING, Pruned, Row, envelope, write
from stretto.core.ports import Entry, Lease


def seal(lease: Lease, entry: Entry) -> tuple[Row, list[tuple[str, bytes]]]:
    """The entry's place in the chain, and the blobs (digest, bytes) to store with it; moves the lease on."""
    body, blobs = write(entry.event)
    lease.time = time = max(lease.time, entry.time)
    seq, prev, kind = lease.seq, lease.head, entry.event.kind
    head = digest(join(envelope(lease.run, seq, time, lease.epoch, entry.scope, kind, entry.ident, body, prev)))
    lease.seq, lease.head = seq + 1, head
    return Row(lease.run, seq, time, lease.epoch, entry.scope, kind, entry.ident, body, prev, head), blobs


def verify(rows: Iterable[Row]) -> str | None:
    """None where the rows of one run are an unbroken chain from its start; else what is wrong with the first bad one."""
    seq, prev, time = 0, "", 0
    pruned: list[Row] = []
    for row in rows:
        if row.seq != seq:
            return f"event {seq} is missing: the next one stored is {row.seq}"
        if row.prev != prev:
            return f"event {seq} names {row.prev[:12] or 'nothing'} as the one before, which has {prev[:12]}"
        if row.body == NOTHING:
            pruned.append(row)
        elif digest(encode(row.sealed())) != row.hash:
            return f"event {seq} ({row.kind}) does not match its hash: it was changed after it was written"
        if row.time < time:
            return f"event {seq} is older than the one before it"
        if pruned and row.kind == Pruned.kind:
            event = row.event()
            if not isinstance(event, Pruned) or event.proof != proof(pruned) or event.events != seq:
                return f"one of the events before {seq} is not the one that was pruned: it was changed since"
            pruned = []
        seq, prev, time = seq + 1, row.hash, row.time
    return f"event {pruned[0].seq} ({pruned[0].kind}) has lost its content, and nobody pruned it" if pruned else None


def proof(rows: Iterable[Row]) -> str:
    """A digest of all that is left of pruned events: number, time, epoch, kind, and the hash over what they said."""
    return digest(join([[row.seq, row.time, row.epoch, row.kind, row.hash] for row in rows]))


def parse(line: bytes) -> Row:
    """The row of one line of an export."""
    try:
        fields = decode(line)
        return Row(**{**fields, "body": encode(fields["body"])})
    except (ValueError, TypeError, KeyError) as error:
        raise JournalError(f"line is no exported event: {error}") from error
