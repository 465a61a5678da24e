"""What every driver of the `Store` ports (journal, leases, inbox) must do, as checks that any test can run.

    for check in JOURNAL_CHECKS:
        asyncio.run(check(open))

`open()` gives a store on an empty database; called again within one check, it gives another process's view of the same
database, or raises `NotImplementedError` where a store cannot be shared: then that part of a check is left out.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from stretto.core.canonical import encode
from stretto.core.errors import JournalError
from stretto.core.events import (
    SPILL,
    Answered,
    Decided,
    Encoded,
    Event,
    Ref,
    Row,
    RunFinished,
    RunParked,
    RunStarted,
    StepDone,
)
from stretto.core.ports import Durability, Entry, Lease, Letter, Store
from stretto.core.values import RunState
from stretto.journal.chain import parse, verify

OpenStore = Callable[[], Store]
Check = Callable[[OpenStore], Coroutine[Any, Any, None]]
FULL, COMMITTED, BEHIND = Durability.FULL, Durability.COMMITTED, Durability.BEHIND


async def journal_conformance(open: OpenStore) -> None:
    """Run every check, each on what `open` gives it first; the first that does not hold raises an `AssertionError`."""
    for check in JOURNAL_CHECKS:
        await check(open)


async def events_come_back_in_order(open: OpenStore) -> None:
    """What was appended is read back in the order of appending, with numbers from 0 and times that never go back."""
    store, lease = await _begun(open, "order")
    for number, time in enumerate((50, 40, 60)):
        await _append(store, lease, Decided(f"d{number}"), BEHIND, time=time)
    await _append(store, lease, Decided("d3"), FULL, time=70)
    rows = await store.read("order")
    _equal([row.seq for row in rows], [0, 1, 2, 3, 4], "sequence numbers")
    _equal([row.time for row in rows], [50, 50, 50, 60, 70], "times")
    _equal([_name(row) for row in rows[1:]], ["d0", "d1", "d2", "d3"], "order")
    _equal([row.seq for row in await store.read("order", 2)], [3, 4], "events behind number 2")
    _equal(await store.read("nobody"), [], "the events of a run that does not exist")
    await store.close()


async def several_events_are_appended_together(open: OpenStore) -> None:
    """One append of several entries keeps them together."""
    store, lease = await _begun(open, "together")
    entries = [Entry(Decided(f"d{number}"), "0", f"i{number}", 50) for number in range(5)]
    await _wait(store.append(lease, entries, FULL))
    _equal([row.ident for row in await store.read("together")][1:], [f"i{number}" for number in range(5)], "idents")
    await store.close()


async def the_chain_holds(open: OpenStore) -> None:
    """Every event names the hash of the one before; a change, a loss, an insertion or a swap shows."""
    store, lease = await _begun(open, "chain")
    for number in range(4):
        await _append(store, lease, StepDone("tool", f"t{number}", Encoded(encode(number))), COMMITTED)
    rows = await store.read("chain")
    _equal(verify(rows), None, "the verdict on an intact chain")
    first, second = rows[1], rows[2]
    for what, bad in {
        "a flipped body": [rows[0], _with(first, body=first.body.replace(b"t0", b"t9")), *rows[2:]],
        "a moved time": [rows[0], _with(first, time=first.time + 1), *rows[2:]],
        "another scope": [rows[0], _with(first, scope="1"), *rows[2:]],
        "a lost event": [rows[0], *rows[2:]],
        "a lost beginning": rows[1:],
        "an event twice": [*rows[:2], *rows[1:]],
        "two events swapped": [rows[0], second, first, *rows[3:]],
        "a new hash over a change": [rows[0], _resealed(_with(first, scope="1")), *rows[2:]],
        "another run's event": [rows[0], _with(first, run="other"), *rows[2:]],
    }.items():
        _true(verify(bad) is not None, f"{what} was not noticed")
    await store.close()


async def an_export_verifies_without_stretto(open: OpenStore) -> None:
    """Each exported line is canonical JSON whose hash anyone can compute; it parses back into the event."""
    store, lease = await _begun(open, "export")
    await _append(
        store, lease, StepDone("tool", "é 世界 \U0001f600", Encoded(encode({"b": 1, "a": [1.5, None, "x"]}))), FULL
    )
    await _append(store, lease, StepDone("tool", "large", Encoded(encode("x" * SPILL))), FULL)
    rows, prev = await store.read("export"), ""
    for row in rows:
        line = row.line()
        fields = json.loads(line)
        claimed = fields.pop("hash")
        _equal(fields["prev"], prev, "the hash of the event before")
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        _equal(hashlib.sha256(text).hexdigest(), claimed, "the hash")
        _equal(parse(line), row, "the parsed line")
        prev = claimed
    await store.close()


async def large_values_lie_apart_and_once(open: OpenStore) -> None:
    """A large value is stored by its digest, equal ones once, and comes back byte for byte."""
    store, lease = await _begun(open, "large")
    value = encode("x" * SPILL)
    for name in ("a", "b"):
        await _append(store, lease, StepDone("tool", name, Encoded(value)), FULL)
    results = [row.event().result for row in (await store.read("large"))[1:]]  # type: ignore[attr-defined]
    _equal(results, [Ref(hashlib.sha256(value).hexdigest())] * 2, "references")
    _equal(await store.blob(results[0].digest), value, "the value")
    await _raises(store.blob("0" * 64), "a value that nobody stored")
    await store.close()


async def committed_events_outlive_the_store(open: OpenStore) -> None:
    """What a caller waited for can be read by another process."""
    store, lease = await _begun(open, "outlive")
    await _append(store, lease, Decided("behind"), BEHIND)
    await _append(store, lease, Decided("full"), FULL)
    other = _other(open)
    if other is not None:
        names = [_name(row) for row in (await other.read("outlive"))[1:]]
        _equal(names, ["behind", "full"], "what another process reads: a full commit covers all before it")
        await other.close()
    await store.close()


async def observers_see_committed_events_in_order(open: OpenStore) -> None:
    """An observer gets every event of every run, in order, and only once."""
    store, watch = open(), _Watch()
    store.observe(watch)
    lease = await _start(store, "observed")
    for number in range(3):
        await _append(store, lease, Decided(f"d{number}"), FULL)
    await store.park(lease, Entry(RunParked(("w",)), "0", "", 60), frozenset())
    _equal(watch.rows, await store.read("observed"), "what an observer saw")
    await store.close()


async def a_run_is_created_once(open: OpenStore) -> None:
    """An id belongs to one run; one whose creator left nothing behind is free again."""
    store = open()
    lease = await store.create("once")
    assert lease is not None
    _equal(await store.create("once"), None, "the second lease")
    await _append(store, lease, RunStarted("w", Encoded(b"null")), FULL)
    await store.release(lease)
    _equal(await store.create("once"), None, "the lease of a run that began")
    empty = await store.create("empty")
    assert empty is not None
    await store.release(empty)
    again = await store.create("empty")
    _true(again is not None and again.epoch > empty.epoch, "an id whose run never began is lost for ever")
    await store.close()


async def one_holder_at_a_time(open: OpenStore) -> None:
    """A held run can't be acquired by anyone; a released one goes on in a new epoch where it stopped."""
    store, lease = await _begun(open, "held")
    _equal(await store.acquire("held"), None, "the lease of a held run")
    _equal(await store.acquire("nobody"), None, "the lease of a run that does not exist")
    other = _other(open)
    if other is not None:
        _equal(await other.acquire("held"), None, "the lease that another process gets of a held run")
        _true((row := await other.find("held")) is not None and row.held, "a held run does not show as held")
    await store.release(lease)
    await _refuses_appends(store, lease)
    heir = await (other or store).acquire("held")
    assert heir is not None
    _true(heir.epoch > lease.epoch, "the epoch did not move")
    await _append(other or store, heir, Decided("new"), FULL)
    rows = await store.read("held")
    _equal(verify(rows), None, "the verdict on the chain of two holders")
    _equal([row.epoch for row in rows], [lease.epoch, heir.epoch], "epochs")
    if other is not None:
        await other.close()
    await store.close()


async def a_parked_run_is_let_go(open: OpenStore) -> None:
    """Parking appends, lets go and shows: nobody appends any more, the index says when to wake."""
    store, lease = await _begun(open, "parked")
    _true(await store.park(lease, Entry(RunParked(("w",), 500), "0", "", 60), frozenset()), "it was not parked")
    await _refuses_appends(store, lease)
    row = await store.find("parked")
    assert row is not None
    _equal((row.state, row.wake, row.held), (RunState.WAITING, 500, False), "the index")
    _equal(await store.due(499), [], "the runs due too early")
    _equal(await store.due(500), [("parked", frozenset())], "the runs due")
    _true(await store.acquire("parked") is not None, "a parked run can't be acquired")
    await store.close()


async def a_letter_is_never_lost_between_looking_and_parking(open: OpenStore) -> None:
    """`park` sees letters that came meanwhile, and then does nothing; known ones don't keep a run awake."""
    store, lease = await _begun(open, "letters")
    _true(await store.post(Letter("letters", "a", b"{}")), "the letter was not taken")
    parking = Entry(RunParked(("w",)), "0", "", 60)
    _equal(await store.park(lease, parking, frozenset()), False, "parking although a letter came")
    await _append(store, lease, Decided("on it goes"), FULL)
    _equal([row.kind for row in await store.read("letters")], ["run_started", "decided"], "events")
    _true(await store.park(lease, parking, frozenset({"a"})), "a letter that is known already kept the run awake")
    _equal(await store.due(0), [("letters", frozenset({"a"}))], "the runs that have letters")
    await store.close()


async def an_early_letter_does_not_stop_the_clock(open: OpenStore) -> None:
    """A run whose time has come is due whatever lies in its inbox."""
    store, lease = await _begun(open, "clock")
    await store.post(Letter("clock", "early", b"{}"))
    await store.park(lease, Entry(RunParked(("w",), 500), "0", "", 60), frozenset({"early"}))
    _equal(await store.due(400), [("clock", frozenset({"early"}))], "the runs that have letters")
    _equal(await store.due(600), [("clock", frozenset())], "the runs whose time has come")
    await store.close()


async def a_key_is_posted_once(open: OpenStore) -> None:
    """Of two letters with one key the first counts, also after it was consumed; each run has its own keys."""
    store, lease = await _begun(open, "keys")
    other = _other(open) or store
    _equal(await store.post(Letter("keys", "k", b"1")), True, "the first letter")
    _equal(await other.post(Letter("keys", "k", b"2")), False, "the second letter with the same key")
    _equal([letter.body for letter in await store.letters("keys")], [b"1"], "the letters")
    await _append(store, lease, Answered("w", "approve"), FULL, consumes="k")
    _equal(await store.letters("keys"), [], "the letters after one was consumed")
    _equal(await other.post(Letter("keys", "k", b"3")), False, "a letter with a consumed key")
    if other is not store:
        await other.close()
    await store.close()


async def letters_come_in_the_order_of_posting(open: OpenStore) -> None:
    """Letters are read oldest first."""
    store, _ = await _begun(open, "queue")
    keys = ["z", "a", "m", "b"]
    for key in keys:
        await store.post(Letter("queue", key, b"{}"))
    _equal([letter.key for letter in await store.letters("queue")], keys, "the order of letters")
    await store.close()


async def a_listener_hears_of_letters(open: OpenStore) -> None:
    """Who listens is woken by a letter from this process or another, and no more once it stopped."""
    store, _ = await _begun(open, "heard")
    other = _other(open) or store
    heard = asyncio.Event()
    stop = store.listen("heard", heard.set)
    await other.post(Letter("heard", "a", b"{}"))
    async with asyncio.timeout(5):
        await heard.wait()
    stop()
    heard.clear()
    await store.post(Letter("heard", "b", b"{}"))
    _true(not heard.is_set(), "a listener that stopped was woken")
    if other is not store:
        await other.close()
    await store.close()


async def the_index_follows_the_events(open: OpenStore) -> None:
    """The index knows each run's worker, state and times; newest first."""
    store = open()
    for number, run in enumerate(("one", "two", "three")):
        lease = await _start(store, run, time=100 * number)
        if run == "two":
            await _append(store, lease, RunFinished(Encoded(b"1")), FULL, time=999)
    _equal([row.id for row in await store.runs()], ["three", "two", "one"], "the runs")
    _equal([row.id for row in await store.runs(limit=1)], ["three"], "one run")
    done = await store.runs(state=RunState.DONE)
    _equal([(row.id, row.worker, row.created, row.updated) for row in done], [("two", "w", 100, 999)], "finished runs")
    _equal(await store.find("nobody"), None, "a run that does not exist")
    await store.close()


async def many_runs_keep_their_chains(open: OpenStore) -> None:
    """Appends of many runs at once stay in order within each run."""
    store = open()

    async def live(run: str) -> None:
        lease = await _start(store, run)
        for number in range(20):
            await _append(store, lease, Decided(f"d{number}"), (BEHIND, COMMITTED, FULL)[number % 3])
        await _append(store, lease, Decided("last"), FULL)

    names = [f"run{number}" for number in range(20)]
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(live(name))
    for name in names:
        rows = await store.read(name)
        _equal(verify(rows), None, f"the verdict on {name}")
        _equal(
            [_name(row) for row in rows[1:]], [*(f"d{number}" for number in range(20)), "last"], f"the order of {name}"
        )
    await store.close()


JOURNAL_CHECKS: tuple[Check, ...] = (
    events_come_back_in_order,
    several_events_are_appended_together,
    the_chain_holds,
    an_export_verifies_without_stretto,
    large_values_lie_apart_and_once,
    committed_events_outlive_the_store,
    observers_see_committed_events_in_order,
    a_run_is_created_once,
    one_holder_at_a_time,
    a_parked_run_is_let_go,
    a_letter_is_never_lost_between_looking_and_parking,
    an_early_letter_does_not_stop_the_clock,
    a_key_is_posted_once,
    letters_come_in_the_order_of_posting,
    a_listener_hears_of_letters,
    the_index_follows_the_events,
    many_runs_keep_their_chains,
)
"""Every check, by itself."""


class _Watch:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def see(self, rows: Sequence[Row]) -> None:
        self.rows += rows


async def _begun(open: OpenStore, run: str) -> tuple[Store, Lease]:
    store = open()
    return store, await _start(store, run)


async def _start(store: Store, run: str, time: int = 50) -> Lease:
    lease = await store.create(run)
    assert lease is not None, f"run {run!r} could not be created; give each check an empty database"
    await _append(store, lease, RunStarted("w", Encoded(b"null")), FULL, time=time)
    return lease


async def _append(
    store: Store, lease: Lease, event: Event, durability: Durability, *, time: int = 50, consumes: str = ""
) -> None:
    await _wait(store.append(lease, [Entry(event, "0", "i", time, consumes=consumes)], durability))


async def _wait(pending: Any) -> None:
    if pending is not None:
        await pending


async def _refuses_appends(store: Store, lease: Lease) -> None:
    try:
        await _append(store, lease, Decided("late"), FULL)
    except JournalError:
        return
    raise AssertionError("who no longer holds a run could append to it")


async def _raises(work: Coroutine[Any, Any, Any], what: str) -> None:
    try:
        await work
    except JournalError:
        return
    raise AssertionError(f"{what} did not raise JournalError")


def _other(open: OpenStore) -> Store | None:
    try:
        return open()
    except NotImplementedError:
        return None


def _with(row: Row, **changes: Any) -> Row:
    return Row(**{name: getattr(row, name) for name in Row.__annotations__} | changes)


def _resealed(row: Row) -> Row:
    return _with(row, hash=hashlib.sha256(encode(row.sealed())).hexdigest())


def _name(row: Row) -> str:
    event = row.event()
    assert isinstance(event, Decided)
    return event.name


def _equal(found: Any, expected: Any, what: str) -> None:
    assert found == expected, f"{what}: expected {expected!r}, found {found!r}"


def _true(holds: bool, fault: str) -> None:
    assert holds, fault
