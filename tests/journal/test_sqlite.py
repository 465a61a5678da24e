"""What only a file can suffer: other programs, full disks, dead and frozen holders."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from stretto.core.canonical import encode
from stretto.core.errors import JournalError, UsageError
from stretto.core.events import Decided, Encoded, RunStarted, StepDone
from stretto.core.ports import Durability, Entry, Lease, Letter
from stretto.journal.chain import verify
from stretto.journal.sqlite import SqliteStore

START = Entry(RunStarted("w", Encoded(b"null")), "0", "", 1)


def _noted(name: str = "d", value: Any = None) -> Entry:
    return Entry(Decided(name, Encoded(encode(value))), "0", "i", 1)


async def _append(store: SqliteStore, lease: Lease, entry: Entry, durability: Durability = Durability.FULL) -> None:
    pending = store.append(lease, [entry], durability)
    if pending is not None:
        await pending


async def _held(path: Path, run: str = "r") -> tuple[SqliteStore, Lease]:
    store = SqliteStore(path)
    lease = await store.create(run)
    assert lease is not None
    await _append(store, lease, START)
    return store, lease


HOLDER = """
    import asyncio, sys
    from pathlib import Path
    from stretto.core.events import Encoded, RunStarted
    from stretto.core.ports import Durability, Entry
    from stretto.journal.sqlite import SqliteStore

    async def main():
        store = SqliteStore(Path(sys.argv[1]))
        lease = await store.create(sys.argv[2])
        if lease is None:
            lease = await store.acquire(sys.argv[2])
        await store.append(lease, [Entry(RunStarted("w", Encoded(b"null")), "0", "", 1)], Durability.FULL)
        print("held", flush=True)
        await asyncio.sleep(3600)

    asyncio.run(main())
"""


@contextmanager
def _holder(path: Path, run: str = "r") -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds a run."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(HOLDER), str(path), run], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_a_killed_holder_is_taken_over(tmp_path: Path) -> None:
    with _holder(tmp_path / "runs.db") as process:
        store = SqliteStore(tmp_path / "runs.db")
        assert await store.acquire("r") is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        lease = await store.acquire("r")
        assert lease is not None
        assert lease.epoch == 2
        await _append(store, lease, _noted())
        assert verify(await store.read("r")) is None
        await store.close()


async def test_a_frozen_holder_is_not_taken_over(tmp_path: Path) -> None:
    with _holder(tmp_path / "runs.db") as process:
        process.send_signal(signal.SIGSTOP)
        store = SqliteStore(tmp_path / "runs.db")
        assert await store.acquire("r") is None
        assert await store.post(Letter("r", "k", b"{}"))
        process.send_signal(signal.SIGCONT)
        assert await store.acquire("r") is None
        await store.close()


async def test_two_processes_write_one_file_without_damage(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with _holder(path, "theirs"):
        store, lease = await _held(path, "ours")
        for number in range(50):
            await _append(store, lease, _noted(f"d{number}", "x" * 3_000))
        for run in ("ours", "theirs"):
            assert verify(await store.read(run)) is None
        await store.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)


def test_locks_of_the_dead_are_swept_away(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with _holder(path) as process:
        process.kill()
        process.wait()

    async def look() -> None:
        store = SqliteStore(path)
        assert await store.acquire("r") is not None
        await store.close()

    asyncio.run(look())
    assert [lock.name for lock in (tmp_path / "runs.db.locks").iterdir()] == ["write"]


async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("create table recipes(name)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"another program.*--db"):
        SqliteStore(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"this is a text, and a long one at that" * 100, b"x"])
async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"not a database.*--db"):
        SqliteStore(path)
    assert path.read_bytes() == content


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--db"):
        SqliteStore(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match=r"cannot be written.*--db"):
        SqliteStore(tmp_path / "runs.db")


async def test_a_newer_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    store, _ = await _held(tmp_path / "runs.db")
    await store.close()
    database = sqlite3.connect(tmp_path / "runs.db")
    database.execute("pragma user_version=99")
    database.close()
    with pytest.raises(UsageError, match="newer stretto"):
        SqliteStore(tmp_path / "runs.db")


async def test_a_file_locked_by_another_program_stops_the_journal_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, lease = await _held(tmp_path / "runs.db")
    store._write.execute("pragma busy_timeout=10")
    other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(JournalError, match="locked by another program"):
        await _append(store, lease, _noted())
    other.execute("rollback")
    with pytest.raises(JournalError):  # what failed once is not tried blindly again
        await _append(store, lease, _noted())
    await store.close()
    again = SqliteStore(tmp_path / "runs.db")
    assert [row.kind for row in await again.read("r")] == ["run_started"]
    assert await again.acquire("r") is not None
    await again.close()
    other.close()


FULL_DISK = """
    import asyncio, resource, signal, sys
    from pathlib import Path
    from stretto.core.errors import JournalError
    from stretto.core.events import Decided, Encoded, RunStarted
    from stretto.core.ports import Durability, Entry
    from stretto.journal.sqlite import SqliteStore

    async def main():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = SqliteStore(Path(sys.argv[1]))
        lease = await store.create("r")
        await store.append(lease, [Entry(RunStarted("w", Encoded(b"null")), "0", "", 1)], Durability.FULL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        for number in range(1000):
            entry = Entry(Decided(f"d{number}", Encoded(b'"' + b"x" * 1500 + b'"')), "0", "i", 1)
            await store.append(lease, [entry], Durability.FULL)
            print(number, flush=True)

    try:
        asyncio.run(main())
    except JournalError as error:
        print("JournalError:", error)
"""


async def test_a_full_disk_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    command = [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(path)]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    said = ran.stdout.splitlines()
    assert said[-1].startswith("JournalError")
    assert "make room" in said[-1]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 200_000
    store = SqliteStore(path)
    rows = await store.read("r")
    assert len(rows) == len(said)  # the start, and what was acknowledged before the last line
    assert verify(rows) is None
    await store.close()


async def test_a_full_commit_is_synced_and_a_plain_one_is_not(tmp_path: Path) -> None:
    store, lease = await _held(tmp_path / "runs.db")
    statements: list[str] = []
    store._write.set_trace_callback(statements.append)
    await _append(store, lease, _noted(), Durability.COMMITTED)
    await _append(store, lease, _noted(), Durability.FULL)
    await _append(store, lease, _noted(), Durability.FULL)
    await _append(store, lease, _noted(), Durability.COMMITTED)
    levels = [statement for statement in statements if "synchronous" in statement]
    assert levels == ["pragma synchronous=normal", "pragma synchronous=full", "pragma synchronous=normal"]
    await store.close()


async def test_a_batch_is_synced_when_one_of_its_jobs_asks_for_it(tmp_path: Path) -> None:
    store, lease = await _held(tmp_path / "runs.db")
    await _append(store, lease, _noted(), Durability.COMMITTED)
    statements: list[str] = []
    store._write.set_trace_callback(statements.append)
    appends = [
        store.append(lease, [_noted()], level) for level in (Durability.BEHIND, Durability.FULL, Durability.COMMITTED)
    ]
    await asyncio.gather(*(pending for pending in appends if pending is not None))
    assert statements[:2] == ["pragma synchronous=full", "begin immediate"]
    assert statements.count("commit") == 1
    await store.close()


async def test_what_was_behind_is_written_when_the_store_closes(tmp_path: Path) -> None:
    store, lease = await _held(tmp_path / "runs.db")
    await _append(store, lease, _noted(), Durability.BEHIND)
    await store.close()
    again = SqliteStore(tmp_path / "runs.db")
    assert len(await again.read("r")) == 2
    await again.close()


async def test_equal_values_are_stored_once(tmp_path: Path) -> None:
    store, lease = await _held(tmp_path / "runs.db")
    for number in range(5):
        await _append(store, lease, Entry(StepDone("tool", str(number), Encoded(encode("x" * 5_000))), "0", "i", 1))
    database = sqlite3.connect(tmp_path / "runs.db")
    assert database.execute("select count(*) from blobs").fetchone() == (1,)
    database.close()
    await store.close()


async def test_a_store_serves_several_loops_one_after_the_other(tmp_path: Path) -> None:
    store, lease = await _held(tmp_path / "runs.db")
    await asyncio.to_thread(lambda: asyncio.run(_append(store, lease, _noted())))
    assert len(await store.read("r")) == 2
    await store.close()
