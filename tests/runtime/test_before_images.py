"""Irreversible calls: what they are about to change is on the record before they happen, or that nobody says."""

from typing import Any

import pytest

from stretto import Preview, tool, workflow
from stretto.app.gaps import Gaps
from stretto.app.steps import detail, steps
from tests.crash.simulation import World
from tests.runtime.conftest import Begin

NOWHERE = World()


async def customer(id: str, *, world: World = NOWHERE) -> dict[str, str]:
    return {"id": id, "name": world.facts[id]}


@tool(irreversible=True, before=customer)
async def erase(id: str, *, world: World = NOWHERE) -> str:
    del world.facts[id]
    return f"erased {id}"


@tool(irreversible=True, preview=lambda id: Preview(f"- {id}", base="v1"))
async def erase_shown(id: str) -> str:
    return f"erased {id}"


@tool(irreversible=True)
async def erase_blindly(id: str) -> str:
    return f"erased {id}"


@tool(effect="once")
async def note(id: str) -> str:
    return id


@workflow
async def erasing(id: str) -> str:
    await note(id)
    return await erase(id)


@workflow
async def erasing_shown(id: str) -> str:
    return await erase_shown(id)


@workflow
async def erasing_blindly(id: str) -> str:
    return await erase_blindly(id)


async def image(begin: Begin, worker: Any, tool: str) -> Any:
    """What the record of the call says of before."""
    job = await begin(worker, "c1", approve=[tool])
    intents = [row.event() for row in job.events if row.kind == "step_intended"]
    return {intent.name: intent.before for intent in intents}  # type: ignore[attr-defined]  # the kind says what it is


@pytest.mark.capability(49)
async def test_what_an_irreversible_call_destroys_is_recorded_before_it_does(begin: Begin, world: World) -> None:
    world.facts["c1"] = "Ada"
    found = await image(begin, erasing, "erase")
    assert found == {"note": None, "erase": {"image": {"id": "c1", "name": "Ada"}}}
    assert world.facts == {}


async def test_a_preview_stands_for_it_where_nothing_else_does(begin: Begin) -> None:
    assert await image(begin, erasing_shown, "erase_shown") == {"erase_shown": {"preview": "- c1", "base": "v1"}}


@pytest.mark.capability(49)
async def test_that_there_is_none_is_recorded_too(begin: Begin) -> None:
    found = await image(begin, erasing_blindly, "erase_blindly")
    assert "no before-image exists" in found["erase_blindly"]["none"]


async def test_without_its_before_image_the_call_is_not_made(begin: Begin, world: World) -> None:
    job = await begin(erasing, "c1", approve=["erase"])  # there is no such customer
    assert job.state == "failed"
    assert [row.event().name for row in job.events if row.kind == "step_intended"] == ["note"]  # type: ignore[attr-defined]


async def test_show_tells_it(begin: Begin, world: World) -> None:
    world.facts["c1"] = "Ada"
    job = await begin(erasing, "c1", approve=["erase"])
    (entry,) = [one for one in steps(job.view, Gaps(job.events)) if one["name"] == "erase" and one["kind"] == "tool"]

    async def blob(digest: str) -> bytes:
        raise AssertionError(digest)

    assert (await detail(job.view, entry, blob))["before"] == {"image": {"id": "c1", "name": "Ada"}}
