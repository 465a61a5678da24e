"""A crash at any point of a pattern loses nothing and repeats nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stretto import compete, each, fallback, gate, group_chat, person, pipeline, workflow
from stretto.core.events import Asked
from stretto.core.values import Answer
from tests.crash.scenarios import look, pay, put, step
from tests.crash.simulation import Scenario, check_every_crash, truthful


@workflow
async def slow(what: str) -> str:
    await look(what)
    await asyncio.sleep(500)
    return "never"


@workflow
async def fair(what: str) -> str:
    return f"fair {await pay('fair')}"


@workflow
async def good(what: str) -> str:
    await asyncio.sleep(1)
    return f"good {await pay('good')}"


@workflow
async def finish(what: str) -> str:
    return f"{what}, {await put('end')}"


def score(answer: str) -> float:
    return 0.9 if answer.startswith("good") else 0.2


early = pipeline(compete(slow, fair, good, slow, judge=score, accept=0.8), finish)


@pytest.mark.capability(36, 102)
def test_an_early_winner_wins_once() -> None:
    assert check_every_crash(Scenario(early, "x")) >= 40


def sceptic(asked: Asked, happened: bool) -> Answer | None:
    return Answer("reject", reason="no", by="eve") if asked.ask == "review" else truthful(asked, happened)


@workflow
async def refuse(draft: str) -> str:
    return f"refused {draft}, {await pay('refused')}"


@pytest.mark.capability(42, 102)
@pytest.mark.parametrize("somebody", [truthful, sceptic])
def test_a_gate_is_asked_once_and_holds(somebody: Any) -> None:
    line = pipeline(step, gate("Go on?", when=lambda value: "did" in value, otherwise=refuse), step, finish)
    assert check_every_crash(Scenario(line, "x", person=somebody)) >= 40


@pytest.mark.capability(41, 102)
def test_a_conversation_goes_on_where_it_was() -> None:
    async def clerk(view: dict[str, Any]) -> str:
        return await pay(f"turn {len(view['transcript'])}")

    chat = group_chat(clerk, person("anna"), max=4)
    assert check_every_crash(Scenario(chat, "x")) >= 40


@pytest.mark.capability(40, 102)
def test_branches_of_a_list_found_at_run_time_are_done_once() -> None:
    async def pages(site: str) -> list[str]:
        return [f"{await look(site)} {number}" for number in range(3)]

    @workflow
    async def broken(page: str) -> str:
        raise ValueError(await look(page))

    line = pipeline(pages, each(fallback(broken, step), limit=2))
    assert check_every_crash(Scenario(line, "x")) >= 40
