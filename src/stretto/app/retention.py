"""What need not be kept: which runs may lose their contents, and the room that this gives back."""

from __future__ import annotations

from stretto.core.errors import UsageError
from stretto.core.events import RunStarted
from stretto.core.ports import Retention, RunRow, Store
from stretto.core.values import RunState
from stretto.runtime.undo import UNDOES

_ALL = 10_000_000


async def prune(store: Store, *, before: int, by: str, now: int, keep_failed: bool = False) -> list[str]:
    """Remove the contents of the runs that ended `before` a time (microseconds since 1970); their ids.

    A run stays as it is while another that is not done builds on it: a fork, or the run that undoes it.
    """
    keeper = _keeper(store)
    rows = await store.runs(limit=_ALL)
    needed = {id for row in rows if row.state not in _OVER for id in await _founded_on(store, row)}
    old = [row for row in rows if row.state.ended and row.updated < before and row.id not in needed]
    chosen = [row.id for row in old if not (keep_failed and row.state is RunState.FAILED)]
    pruned = [id for id in chosen if await keeper.prune(id, by, now)]
    if pruned:
        await keeper.sweep()
    return pruned


async def compact(store: Store) -> None:
    """Remove the values that no event names, and give the room back to the file system."""
    await _keeper(store).compact()


_OVER = (RunState.DONE, RunState.CANCELLED)


def _keeper(store: Store) -> Retention:
    if not isinstance(store, Retention):
        raise UsageError("this database keeps nothing when its program ends, so there is nothing to prune")
    return store


async def _founded_on(store: Store, row: RunRow) -> list[str]:
    """The runs whose journals this one reads when it is taken up."""
    begun = next((first.event() for first in await store.read(row.id, limit=1)), None)
    if not isinstance(begun, RunStarted):
        return []
    return [begun.forked_from, begun.code.removeprefix(UNDOES) if begun.code.startswith(UNDOES) else ""]
