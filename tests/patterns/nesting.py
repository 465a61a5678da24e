"""Random nestings of all patterns, over workers that take their time, act on the world and ask people."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from stretto import (
    Score,
    compete,
    debate,
    each,
    fallback,
    gate,
    group_chat,
    loop,
    parallel,
    person,
    pipeline,
    route,
    workflow,
)
from stretto.core.canonical import encode, identity
from stretto.core.events import Asked
from stretto.core.values import Answer
from tests.crash.scenarios import look, pay, put
from tests.crash.simulation import truthful

Maker = Callable[["Nesting", int], Any]


def digit(value: object) -> int:
    """A number from 0 to 15 that follows from a value."""
    return int(identity(encode(value))[0], 16)


class Nesting:
    """A worker made of workers, `depth` deep at most and of at most `size` of them: the same for the same seed."""

    def __init__(self, seed: int, depth: int = 5, size: int = 14) -> None:
        self.random = Random(seed)
        self._made = 0
        self._left = size
        self.kinds: set[str] = set()
        self.worker = self.made(depth)

    def named(self, kind: str) -> str:
        self._made += 1
        self.kinds.add(kind)
        return f"{kind}{self._made}"

    def made(self, depth: int) -> Any:
        """Any worker that is at most so deep."""
        self._left -= 1
        makers = PATTERNS if depth > 1 and self._left > 0 and self.random.random() < 0.85 else LEAVES
        return self.random.choice(makers)(self, depth - 1)

    def some(self, depth: int, most: int = 3) -> list[Any]:
        return [self.made(depth) for _ in range(self.random.randint(2, most))]


# ---- workers


def thinks(nesting: Nesting, depth: int) -> Any:
    name = nesting.named("thinks")

    @workflow(name=name)
    def work(value: Any) -> str:
        return f"{name} {identity(encode(value))[:6]}"

    return work


def acts(nesting: Nesting, depth: int) -> Any:
    name = nesting.named("acts")
    tools = [nesting.random.choice((look, put, pay)) for _ in range(nesting.random.randint(1, 2))]

    @workflow(name=name)
    async def work(value: Any) -> str:
        given = identity(encode(value))[:6]
        return " ".join([await tool(f"{name} {given}") for tool in tools])

    return work


def asks(nesting: Nesting, depth: int) -> Any:
    return person(nesting.named("asks"), question=lambda value: f"what of {identity(encode(value))[:6]}?")


def breaks(nesting: Nesting, depth: int) -> Any:
    name = nesting.named("breaks")

    @workflow(name=name)
    async def work(value: Any) -> str:
        raise ValueError(await look(name))

    return work


# ---- patterns


def in_a_row(nesting: Nesting, depth: int) -> Any:
    return pipeline(*nesting.some(depth), name=nesting.named("pipeline"))


def at_once(nesting: Nesting, depth: int) -> Any:
    limit = nesting.random.choice((None, 1, 2))
    return parallel(*nesting.some(depth), limit=limit, name=nesting.named("parallel"))


def at_once_or_in_part(nesting: Nesting, depth: int) -> Any:
    workers = [*nesting.some(depth, 2), breaks(nesting, depth)]
    nesting.random.shuffle(workers)
    return parallel(*workers, min_success=2, merge=lambda results: results[::-1], name=nesting.named("partial"))


def chosen(nesting: Nesting, depth: int) -> Any:
    ways = {number: nesting.made(depth) for number in range(2)}
    name = nesting.named("route")
    return route(lambda value: digit(value) % 3, ways, otherwise=nesting.made(0), name=name)


def repeated(nesting: Nesting, depth: int) -> Any:
    critic = nesting.made(0) if nesting.random.random() < 0.5 else None
    otherwise = nesting.made(0) if nesting.random.random() < 0.5 else None
    name = nesting.named("loop")
    return loop(nesting.made(depth), critic, until=lambda said: digit(said) < 5, max=2, otherwise=otherwise, name=name)


def stood_in_for(nesting: Nesting, depth: int) -> Any:
    return fallback(breaks(nesting, depth), nesting.made(depth), name=nesting.named("fallback"))


def in_competition(nesting: Nesting, depth: int) -> Any:
    workers = nesting.some(depth, 2)
    if nesting.random.random() < 0.3:
        workers.append(breaks(nesting, depth))
    limit = nesting.random.choice((None, 1))
    judge = lambda answer: Score(digit(answer) % 4 / 4, "by chance")  # noqa: E731  a rule is one expression
    return compete(*workers, judge=judge, limit=limit, name=nesting.named("compete"))


def in_debate(nesting: Nesting, depth: int) -> Any:
    judge = None if nesting.random.random() < 0.3 else lambda positions: digit(positions) < 6
    return debate(nesting.made(depth), nesting.made(0), judge=judge, rounds=2, name=nesting.named("debate"))


def in_conversation(nesting: Nesting, depth: int) -> Any:
    speakers = [nesting.made(depth), nesting.made(0)]
    names = [speaker.name for speaker in speakers]
    choose = None if nesting.random.random() < 0.5 else lambda transcript: [*names, "nobody"][digit(transcript) % 3]
    return group_chat(*speakers, next=choose, max=3, name=nesting.named("chat"))


def for_each(nesting: Nesting, depth: int) -> Any:
    name = nesting.named("each")
    return pipeline(
        lambda value: [f"{name} {number}" for number in range(digit(value) % 4)],
        each(nesting.made(depth), limit=nesting.random.choice((None, 1, 2)), name=name),
    )


def gated(nesting: Nesting, depth: int) -> Any:
    otherwise = nesting.made(0) if nesting.random.random() < 0.5 else lambda draft: "rejected"
    stop = gate("Go on?", when=lambda value: digit(value) < 10, otherwise=otherwise, name=nesting.named("gate"))
    return pipeline(nesting.made(0), stop, nesting.made(depth))


LEAVES: list[Maker] = [thinks, thinks, acts, acts, acts, asks]
PATTERNS: list[Maker] = [
    in_a_row,
    at_once,
    at_once_or_in_part,
    chosen,
    repeated,
    stood_in_for,
    in_competition,
    in_debate,
    in_conversation,
    for_each,
    gated,
]


def somebody(asked: Asked, happened: bool) -> Answer | None:
    """Answers questions, and now and then rejects or revises what is shown: always the same way for the same question."""
    if asked.ask == "review":
        number = digit(asked.wait)
        if number < 4:
            return Answer("reject", reason="not like this", by="eve")
        return Answer("approve", f"revised {number}" if number < 8 else None, by="eve")
    return truthful(asked, happened)
