"""stretto for the harness that compares agent frameworks: what its README calls a peer. See this folder's README."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import benchlib as lib  # type: ignore[import-not-found]  # the harness brings it

from stretto import Agent, App, ask, gather, pipeline, tool, workflow
from stretto.core.messages import (
    FREE,
    Delta,
    Message,
    ModelReply,
    ModelRequest,
    Rates,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)

IMPORTS = "from stretto import Agent, App, workflow"


class FakeModel:
    """In-process model: the cheapest that a provider could be."""

    name = "bench:model"
    rates: Rates | None = FREE
    window, max_output = 200_000, 4_096

    def __init__(self, latency: float) -> None:
        self._latency = latency

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        if self._latency:
            await asyncio.sleep(self._latency)
        last = request.messages[-1].parts[0]
        part: Text | ToolCall
        if isinstance(last, ToolResult):
            part = Text(lib.final_text(last.content))
        elif request.tools:
            part = ToolCall("call_1", lib.TOOL_NAME, lib.TOOL_ARGS)
        else:
            part = Text(lib.next_number(request.messages[-1].text))
        return ModelReply(Message("assistant", (part,)), Usage(10, 5), self.name)

    def estimate(self, request: ModelRequest) -> int:
        return 100


def model_of(cfg: Any) -> Any:
    return f"openai:mock@{cfg.base_url}" if cfg.model == "http" else FakeModel(cfg.latency)


async def result(app: App, worker: Any, value: Any) -> Any:
    return await (await app.start(worker, value))


@asynccontextmanager
async def w1(cfg: Any) -> AsyncIterator[Any]:
    agent = Agent(model_of(cfg), lib.SYSTEM, tools=[lib.tool_for(cfg)])
    async with App(db=":memory:") as app:
        yield lambda _: result(app, agent, lib.QUESTION)


@asynccontextmanager
async def w2(cfg: Any) -> AsyncIterator[Any]:
    agent = Agent(model_of(cfg))
    async with App(db=":memory:") as app:
        yield lambda _: result(app, pipeline(*[agent] * cfg.steps), "0")


@asynccontextmanager
async def w3(cfg: Any) -> AsyncIterator[Any]:
    agent = Agent(model_of(cfg))

    @workflow
    async def fan(width: int) -> list[str]:
        return await gather(agent(str(n)) for n in range(width))

    async with App(db=":memory:") as app:
        yield lambda _: result(app, fan, cfg.width)


@asynccontextmanager
async def w5(cfg: Any) -> AsyncIterator[Any]:
    """Steps commit behind their use, a run's end is on disk; variant "keyed": each intent is, too, before its step."""

    @tool(effect="idempotent" if cfg.variant == "keyed" else "read")
    async def step(i: int) -> dict[str, Any]:
        return {"i": i + 1, "history": lib.message_text(cfg, i)} if cfg.growth else {"i": i + 1}

    @workflow
    async def flow(state: dict[str, Any]) -> int:
        for i in range(cfg.steps):
            state |= {"i": (await step(i))["i"]}
        return int(state["i"])

    async with App(db=str(cfg.db)) as app:

        async def run(run_id: str) -> int:
            return int(await (await app.start(flow, {"i": 0, "blob": lib.payload_text(cfg)}, id=run_id)))

        yield run


@asynccontextmanager
async def w6(cfg: Any) -> AsyncIterator[Any]:
    """After a crash the tool looks whether its line is in the file, so that nothing is repeated and nothing lost."""

    def written(n: int) -> bool:
        return any(line.split()[1] == str(n) for line in cfg.effects.read_text().splitlines())

    @tool(effect="once", verify=written)
    async def write(n: int) -> None:
        lib.record_effect(cfg, "r", n)
        await asyncio.sleep(cfg.step_pause)

    @workflow
    async def flow(steps: int) -> int:
        for n in range(steps):
            await write(n)
        return steps

    async with App([flow], db=str(cfg.db)) as app:

        async def run(run_id: str, resume: bool) -> int:
            return int(await (await app.start(flow, cfg.steps, id=run_id)))

        yield run


@asynccontextmanager
async def w7(cfg: Any) -> AsyncIterator[Any]:
    @tool
    async def before() -> None:
        lib.record_effect(cfg, "r", "before")

    @tool
    async def after() -> None:
        lib.record_effect(cfg, "r", "after")

    @workflow
    async def flow(run_id: str) -> str:
        await before()
        answer = await ask("approve?")
        await after()
        return answer

    async with App([flow], db=str(cfg.db)) as app:

        async def run(run_id: str, answer: str | None) -> str:
            if answer is None:
                run = await app.start(flow, run_id, id=run_id)
                await app.settled(run.id)
                return "paused"
            run = await app.get(run_id)
            await run.answer(None, answer, by="bench")
            return str(await run)

        yield run


@asynccontextmanager
async def w9(cfg: Any) -> AsyncIterator[Any]:
    """A tree of workers under workers, its leaves counted: depth `steps`, each node with `width` of them."""

    @workflow
    async def tree(depth: int) -> int:
        return sum(await gather(tree(depth - 1) for _ in range(cfg.width))) if depth else 1

    async with App(db=":memory:") as app:
        yield lambda _: result(app, tree, cfg.steps)
