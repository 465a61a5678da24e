"""Both stores pass the suite that any store must pass, and the suite can fail."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stretto.core.ports import Durability, Entry, Lease, Letter, Store
from stretto.journal.memory import MemoryStore
from stretto.journal.sqlite import SqliteStore
from stretto.testing import JOURNAL_CHECKS, journal_conformance
from stretto.testing.journal_conformance import Check, OpenStore


def _memory() -> OpenStore:
    opened: list[Store] = []

    def open() -> Store:
        if opened:
            raise NotImplementedError
        opened.append(MemoryStore())
        return opened[0]

    return open


@pytest.mark.parametrize("check", JOURNAL_CHECKS, ids=lambda check: check.__name__)
async def test_memory_conforms(check: Check) -> None:
    await check(_memory())


@pytest.mark.parametrize("check", JOURNAL_CHECKS, ids=lambda check: check.__name__)
async def test_sqlite_conforms(check: Check, tmp_path: Path) -> None:
    await check(lambda: SqliteStore(tmp_path / "runs.db"))


class _Unordered(MemoryStore):
    def append(self, lease: Lease, entries: Any, durability: Durability) -> None:
        super().append(lease, entries, durability)
        self._runs[lease.run].pending.reverse()


class _Deaf(MemoryStore):
    async def park(self, lease: Lease, entry: Entry, known: frozenset[str]) -> bool:
        return await super().park(lease, entry, frozenset({"a", "early", *known}))


class _Generous(MemoryStore):
    async def acquire(self, run: str) -> Lease | None:
        if run in self._runs:
            self._runs[run].lease.held = False
        return await super().acquire(run)


class _Forgetful(MemoryStore):
    async def post(self, letter: Letter) -> bool:
        self._runs[letter.run].inbox.pop(letter.key, None)
        return await super().post(letter)


class _Open(MemoryStore):
    async def release(self, lease: Lease) -> None:
        self._runs[lease.run].lease = Lease(lease.run, lease.epoch, lease.seq, lease.head, lease.time, held=False)


@pytest.mark.parametrize("broken", [_Unordered, _Deaf, _Generous, _Forgetful, _Open])
async def test_a_store_that_breaks_its_promise_is_found_out(broken: Callable[[], Store]) -> None:
    with pytest.raises(AssertionError):
        await journal_conformance(broken)
