"""Both drivers of the memory across runs pass the suite that any must pass, and the suite can fail."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stretto.core.ports import Memo, Memory, Store
from stretto.journal.memory import MemoryStore
from stretto.journal.sqlite import SqliteStore
from stretto.testing import MEMORY_CHECKS, memory_conformance
from stretto.testing.journal_conformance import Check, OpenStore


def _in_memory() -> OpenStore:
    opened: list[Store] = []

    def open() -> Store:
        if opened:
            raise NotImplementedError
        opened.append(MemoryStore())
        return opened[0]

    return open


@pytest.mark.parametrize("check", MEMORY_CHECKS, ids=lambda check: check.__name__)
async def test_memory_conforms(check: Check) -> None:
    await check(_in_memory())


@pytest.mark.capability(71)
@pytest.mark.parametrize("check", MEMORY_CHECKS, ids=lambda check: check.__name__)
async def test_sqlite_conforms(check: Check, tmp_path: Path) -> None:
    await check(lambda: SqliteStore(tmp_path / "runs.db"))


class _Broken:
    """A memory that passes everything on."""

    def __init__(self, memory: Memory) -> None:
        self.remember, self.find = memory.remember, memory.find
        self.forget, self.indexed, self.index = memory.forget, memory.indexed, memory.index
        self.search = memory.search


class _Leaky(_Broken):
    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.search = lambda space, terms, **how: memory.search("", terms, **how)


class _Twofold(_Broken):
    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.remember = lambda memo: memory.remember(Memo(memo.text, memo.run, memo.time, memo.space))


class _Stubborn(_Broken):
    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)

        async def forget(id: int) -> bool:
            return True

        self.forget = forget


class _Hoarding(_Broken):
    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)

        async def index(run: str, updated: int, memos: Sequence[Memo]) -> None:
            for memo in memos:
                await memory.remember(memo)
            await memory.index(run, updated, [])

        self.index = index


@pytest.mark.parametrize("broken", [_Leaky, _Twofold, _Stubborn, _Hoarding])
async def test_a_memory_that_breaks_its_promise_is_found_out(broken: Callable[[Memory], Memory]) -> None:
    class Store(MemoryStore):
        @property
        def memory(self) -> Memory:
            return broken(super().memory)

    with pytest.raises(AssertionError):
        await memory_conformance(Store)
