"""What every driver of the `Memory` port must do, as checks that any test can run.

    for check in MEMORY_CHECKS:
        asyncio.run(check(open))

`open()` gives a store with a memory, on an empty database; called again, the same database as another process has it,
or raises `NotImplementedError` where a store cannot be shared.
"""

from __future__ import annotations

from collections.abc import Sequence

from stretto.core.ports import Memo, Memory, Remembering, Store
from stretto.testing.journal_conformance import Check, OpenStore

TEA = Memo("Tea, please.", "r1", 100, about="drinks", tags=("hot", "green"), key="k1", terms="tea please drink")
BEER = Memo("Beer and tea.", "r2", 200, key="k2", terms="beer and tea")
SAID = Memo("Tea is a drink.", "r2", 150, kind="output", terms="tea is a drink")


async def memory_conformance(open: OpenStore) -> None:
    """Run every check, each on what `open` gives it first; the first that does not hold raises an `AssertionError`."""
    for check in MEMORY_CHECKS:
        await check(open)


async def a_memo_comes_back_whole(open: OpenStore) -> None:
    """What was kept is found by any of its terms, with all that was said of it."""
    store, memory = _opened(open)
    id = await memory.remember(TEA)
    found = await memory.search("", ["nothing", "drink"])
    assert len(found) == 1, f"a memo is found {len(found)} times by one of its terms"
    _same(found[0], TEA, "what was found")
    assert found[0].id == id, "search and remember name it differently"
    known = await memory.find(id)
    assert known is not None, "a memo is not found by its id"
    _same(known, TEA, "what is found by its id")
    assert await memory.search("", ["coffee"]) == [], "a term that is nowhere finds something"
    await store.close()


async def a_key_is_kept_once(open: OpenStore) -> None:
    """The same key is the same memo; without a key each is another."""
    store, memory = _opened(open)
    assert await memory.remember(TEA) == await memory.remember(TEA), "one key has two ids"
    assert await memory.remember(SAID) != await memory.remember(SAID), "two memos without a key are one"
    assert len(await memory.search("", [])) == 3, "something was kept twice, or lost"
    await store.close()


async def the_best_and_the_newest_come_first(open: OpenStore) -> None:
    """With terms the best match is first, without any the newest; never more than `limit`, nor from before `since`."""
    store, memory = _opened(open)
    for memo in (BEER, TEA):
        await memory.remember(memo)
    assert _texts(await memory.search("", [])) == [BEER.text, TEA.text], "the newest is not first"
    assert _texts(await memory.search("", ["drink", "please", "tea"]))[0] == TEA.text, "the best match is not first"
    assert len(await memory.search("", ["tea"], limit=1)) == 1, "the limit was not kept"
    assert _texts(await memory.search("", ["tea"], since=150)) == [BEER.text], "older ones than `since` were found"
    await store.close()


async def spaces_are_apart(open: OpenStore) -> None:
    """What is kept in one space is in no other."""
    store, memory = _opened(open)
    await memory.remember(Memo("Tea.", "r1", 1, space="alice", terms="tea"))
    assert await memory.search("", ["tea"]) == await memory.search("bob", []) == [], "spaces are not apart"
    assert len(await memory.search("alice", ["tea"])) == 1, "a space lost what was kept in it"
    await store.close()


async def what_is_forgotten_is_gone(open: OpenStore) -> None:
    """A memo is forgotten once, and found no more."""
    store, memory = _opened(open)
    id = await memory.remember(TEA)
    assert await memory.forget(id), "a memo could not be forgotten"
    assert not await memory.forget(id), "it could be forgotten twice"
    assert await memory.find(id) is None, "it is still known by its id"
    assert await memory.search("", ["tea"]) == [], "it is still found"
    await store.close()


async def what_a_run_said_is_taken_in_anew(open: OpenStore) -> None:
    """Indexing a run replaces what it said by itself, and leaves what was remembered; it can be left out of a search."""
    store, memory = _opened(open)
    await memory.remember(BEER)
    await memory.index("r2", 7, [SAID, SAID])
    assert await memory.indexed() == {"r2": 7}, "it is not told which runs were taken in"
    assert len(await memory.search("", ["tea"])) == 3, "what a run said is not found"
    assert _texts(await memory.search("", ["tea"], without="r2")) == [BEER.text], "a run found what it said itself"
    await memory.index("r2", 8, [])
    assert _texts(await memory.search("", ["tea"])) == [BEER.text], "what a run said before was not replaced"
    assert await memory.indexed() == {"r2": 8}, "the time of the last indexing is not kept"
    await store.close()


async def no_term_is_syntax(open: OpenStore) -> None:
    """Terms are words, whatever else they look like to the database; words of any script are found."""
    store, memory = _opened(open)
    await memory.remember(Memo("予算", "r1", 1, terms="予算 c++ not or"))
    for term in ("予算", "c++", "not", "or"):
        assert len(await memory.search("", [term])) == 1, f"{term!r} is not found"
    for term in ("and", "near", "terms", "*"):
        assert await memory.search("", [term]) == [], f"{term!r} finds something"
    await store.close()


async def another_process_knows_it(open: OpenStore) -> None:
    """What one process keeps, another finds; a key of one is the other's."""
    store, memory = _opened(open)
    id = await memory.remember(TEA)
    try:
        other = open()
    except NotImplementedError:
        return
    assert isinstance(other, Remembering)
    assert _texts(await other.memory.search("", ["tea"])) == [TEA.text], "another process does not find it"
    assert await other.memory.remember(TEA) == id, "another process kept it again"
    await other.close()
    await store.close()


MEMORY_CHECKS: Sequence[Check] = (
    a_memo_comes_back_whole,
    a_key_is_kept_once,
    the_best_and_the_newest_come_first,
    spaces_are_apart,
    what_is_forgotten_is_gone,
    what_a_run_said_is_taken_in_anew,
    no_term_is_syntax,
    another_process_knows_it,
)


def _opened(open: OpenStore) -> tuple[Store, Memory]:
    store = open()
    assert isinstance(store, Remembering), f"{type(store).__name__} has no memory"
    return store, store.memory


def _texts(found: Sequence[Memo]) -> list[str]:
    return [memo.text for memo in found]


def _same(found: Memo, kept: Memo, what: str) -> None:
    for name in ("text", "run", "time", "space", "kind", "about", "tags"):
        assert getattr(found, name) == getattr(kept, name), f"{what}: {name} is {getattr(found, name)!r}"
