"""What a pattern gives is known to the type checker: the assertions of this file are mypy's."""

from __future__ import annotations

from typing import Any, assert_type

from stretto import (
    Agent,
    Chat,
    Debated,
    Score,
    compete,
    debate,
    each,
    fallback,
    group_chat,
    loop,
    person,
    pipeline,
    route,
    run,
    workflow,
)
from stretto.patterns.pipeline import Pipeline


@workflow
def count(text: str) -> int:
    return len(text)


@workflow
def spell(number: int) -> str:
    return str(number)


@workflow
def optimist(view: dict[str, Any]) -> str:
    return "yes"


@workflow
def sceptic(view: dict[str, Any]) -> str:
    return "yes"


def plain(number: int) -> int:
    return number


@workflow
async def all_of_them(text: str) -> list[Any]:
    number = await pipeline(count, spell, count)(text)
    assert_type(number, int)
    best = await compete(spell, spell, judge=lambda answer: 0.5)(number)
    assert_type(best, str)
    near = await fallback(count, count)(text)
    assert_type(near, int)
    sent = await route(lambda text: "a", {"a": count}, otherwise=count)(text)
    assert_type(sent, int)
    again = await loop(count, until=bool)(text)
    assert_type(again, int)
    agreed = await debate(optimist, sceptic)(text)
    assert_type(agreed, Debated)
    talk = await group_chat(optimist, max=1)(text)
    assert_type(talk, Chat)
    lengths = await each(count)([text])
    assert_type(lengths, list[Any])
    loose = await pipeline(count, plain)(text)
    assert_type(loose, Any)
    return [number, best, near, sent, again]


def test_the_types_are_what_comes_out() -> None:
    assert run(all_of_them, "four", db=":memory:") == [1, "1", 4, 4, 4]
    assert_type(pipeline(count, Agent("test:x", output=Score)), Pipeline[Score])
    assert_type(pipeline(count, person("anna")), Pipeline[str])
    assert_type(pipeline(count, person("anna", output=Score)), Pipeline[Score])
