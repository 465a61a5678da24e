"""The memory across runs, as one run or one person has it: words in, words out, and what finished runs said.

What runs said by themselves is taken in when somebody looks: it costs nothing before, and nothing is missed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stretto.core.blobs import Blob, fetched
from stretto.core.errors import UsageError
from stretto.core.events import Answered, Asked, Row, StepDone, TaskFinished, TaskStarted
from stretto.core.ports import Memo, Memory, Remembering, Store
from stretto.core.text import as_text
from stretto.core.values import RunState
from stretto.core.values import seconds as in_seconds
from stretto.memory.tokens import names, terms
from stretto.runtime.functions import SAID
from stretto.runtime.recording import ROOT

_PIECE = 1500
"""Characters of a text that are found and recalled as one."""
_ABOUT = 300
_ALL = 10_000_000
_MICRO = 1e6


@dataclass(frozen=True, slots=True)
class Recollection:
    """Something known from before: `run` said it, at `time` (seconds since 1970), on `date` (UTC, like 2026-03-01).

    `kind` is memory where it was asked to be remembered, else output or answer. `score` is the share of the query's words
    that it has, 0 to 1. `id` is what `forget` takes; empty for what a run said by itself.
    """

    text: str
    run: str
    time: float
    date: str = ""
    score: float = 0.0
    about: str = ""
    tags: tuple[str, ...] = ()
    kind: str = "memory"
    id: str = ""


class Notebook:
    """The memory of a store, written in the name of a run."""

    def __init__(self, store: Store, run: str, now: Callable[[], int]) -> None:
        self._store, self._run, self._now = store, run, now

    @property
    def _memory(self) -> Memory:
        if not isinstance(self._store, Remembering):
            raise UsageError(
                f"{type(self._store).__name__} keeps no memory across runs; use a SQLite database: db='runs.db'"
            )
        return self._store.memory

    async def remember(self, space: str, text: str, about: str, tags: Sequence[str], key: str) -> str:
        """Keep a text; its id."""
        if not text.strip():
            raise UsageError("there is nothing to remember in an empty text")
        memo = _memo(text, self._run, self._now(), space, "memory", about, tuple(tags), key)
        return str(await self._memory.remember(memo))

    async def recall(self, space: str, query: str, limit: int, since: float | str | None) -> list[Recollection]:
        """What is known about a query, best first; the newest where the query is empty."""
        if limit < 1:
            raise UsageError(f"limit={limit} would recall nothing; it is at least 1")
        if not space:
            await self._catch_up()
        after = 0 if not since else self._now() - int(in_seconds(since) * _MICRO)
        wanted = terms(query)
        found = await self._memory.search(space, wanted, since=after, without=self._run, limit=limit)
        if wanted and since and len(found) < limit:  # of a time that was named, what is new is better than nothing
            known = {memo.id for memo in found}
            newest = await self._memory.search(space, (), since=after, without=self._run, limit=limit)
            found += [memo for memo in newest if memo.id not in known][: limit - len(found)]
        return [_recollection(memo, wanted) for memo in found]

    async def find(self, space: str, id: str) -> Recollection:
        """One memory that somebody asked to be remembered in a space."""
        memo = await self._memory.find(int(id)) if id.isdecimal() else None
        if memo is None or memo.space != space:
            raise UsageError(f"there is no memory {id!r}; `stretto memory list` shows what is remembered")
        if memo.kind != "memory":
            raise UsageError(f"{id} is what run {memo.run} said; it goes with the run: `stretto prune`")
        return _recollection(memo)

    async def forget(self, space: str, id: str) -> bool:
        """Remove a memory; False where it is gone already."""
        try:
            await self.find(space, id)
        except UsageError:
            if id.isdecimal() and await self._memory.find(int(id)) is None:
                return False
            raise
        return await self._memory.forget(int(id))

    # ---- what runs say by themselves

    async def _catch_up(self) -> None:
        """Take in what runs have said since somebody last looked."""
        known = await self._memory.indexed()
        for row in reversed(await self._store.runs(limit=_ALL)):
            if row.state is not RunState.RUNNING and known.get(row.id) != row.updated:
                said = [memo async for memo in _said(await self._store.read(row.id), self._store.blob)]
                await self._memory.index(row.id, row.updated, said)


async def _said(rows: Sequence[Row], blob: Blob) -> AsyncIterator[Memo]:
    """What came of a run, or of each turn of a conversation, and what people answered."""
    begun: dict[str, TaskStarted] = {}
    asked: dict[str, Asked] = {}
    recalled: list[str] = []
    for row in rows:
        match row.event():
            case TaskStarted() as started if row.scope == ROOT:
                begun[row.ident] = started
            case TaskFinished(output=output) if row.scope == ROOT:
                goal, said = _text(await fetched(begun[row.ident].input, blob)), _text(await fetched(output, blob))
                for memo in _memos(row, "output", goal, said) if said not in recalled else ():
                    yield memo
            case StepDone(step="tool", name="recall", result=result):  # an echo is nothing new
                recalled.append(_text(await fetched(result, blob)))
            case Asked(ask="question" | "review" | "signal") as event if event.prompt != SAID:  # a turn is a task
                asked[event.wait] = event
            case Answered(wait=wait) as event if wait in asked and (event.value is not None or event.reason):
                said = _text(await fetched(event.value, blob)) or event.reason
                for memo in _memos(row, "answer", asked[wait].prompt, said):
                    yield memo
            case _:
                continue


def _text(value: Any) -> str:
    """Text as it is, anything else as JSON; nothing where next to nothing was said."""
    if value in (None, "", [], {}) or isinstance(value, bool):
        return ""
    return as_text(value)


def _memos(row: Row, kind: str, about: str, text: str) -> Iterator[Memo]:
    for piece in _pieces(text):
        yield _memo(piece, row.run, row.time, "", kind, about[:_ABOUT], ())


def _memo(
    text: str, run: str, time: int, space: str, kind: str, about: str, tags: tuple[str, ...], key: str = ""
) -> Memo:
    return Memo(text, run, time, space, kind, about, tags, key, " ".join(_words(about, tags, text)))


def _words(about: str, tags: Sequence[str], text: str) -> list[str]:
    """What a memo is found by."""
    return names(" ".join((about, *tags, text)))


def _pieces(text: str) -> Iterator[str]:
    """A long text in parts, cut between paragraphs, or between words where one is too long."""
    piece = ""
    for paragraph in text.split("\n\n"):
        if len(piece) + len(paragraph) > _PIECE and piece.strip():
            yield piece.strip()
            piece = ""
        piece += f"{paragraph}\n\n"
        while len(piece) > 2 * _PIECE:
            cut = piece.rfind(" ", _PIECE // 2, _PIECE) + 1 or _PIECE
            yield piece[:cut].strip()
            piece = piece[cut:]
    if piece.strip():
        yield piece.strip()


def _recollection(memo: Memo, wanted: Sequence[str] = ()) -> Recollection:
    id, words = str(memo.id) if memo.kind == "memory" else "", set(_words(memo.about, memo.tags, memo.text))
    score = round(len(words & set(wanted)) / len(set(wanted)), 3) if wanted else 0.0
    date = datetime.fromtimestamp(memo.time / _MICRO, UTC).date().isoformat()
    return Recollection(memo.text, memo.run, memo.time / _MICRO, date, score, memo.about, memo.tags, memo.kind, id)
