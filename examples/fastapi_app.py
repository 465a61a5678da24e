"""A FastAPI application that embeds stretto: runs live in its event loop, and go on after it was killed and restarted.

uvicorn --app-dir examples fastapi_app:api
curl -X PUT localhost:8000/reports/ev -H 'content-type: application/json' -d '{"topic": "electric cars"}'
curl localhost:8000/reports/ev
curl -N 'localhost:8000/chats/ann?say=hello'
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from stretto import Agent, App, UsageError, tool, workflow
from stretto.core.messages import ModelRequest
from stretto.testing import ScriptedModel


@tool(effect="idempotent")
async def look_up(topic: str, what: str) -> str:
    """Look something up; it takes a while. What is done is on disk before anything goes on: no restart pays twice."""
    print(f"looks up {what}", flush=True)
    await asyncio.sleep(0.5)
    return f"{what} of {topic}"


@workflow
async def report(topic: str) -> str:
    """Look three things up, one after the other."""
    return "; ".join([await look_up(topic, what) for what in ("the market", "the makers", "the law")])


def answer(request: ModelRequest) -> str:
    """Stands in for a language model, so that this runs without a key."""
    return f"You have said {sum(message.role == 'user' for message in request.messages)} things to me."


desk = Agent(ScriptedModel(answer), "You are the desk.", name="desk")
runs = App([report, desk], db=os.environ.get("STRETTO_DB", ".stretto/runs.db"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """From here on the runs of `report` and `desk` that had not ended go on by themselves."""
    async with runs:
        yield


api = FastAPI(lifespan=lifespan)


class Order(BaseModel):
    """What a report shall be about."""

    topic: str


@api.put("/reports/{id}", status_code=202)
async def order(id: str, order: Order) -> dict[str, str]:
    """Start a report and return; the same id is the same report."""
    job = await runs.start(report, order.topic, id=id)
    return {"id": job.id, "state": job.state}


@api.get("/reports/{id}")
async def read(id: str, wait: bool = False) -> dict[str, str | None]:
    """How a report stands; with `wait`, once it is there."""
    try:
        job = await runs.get(id)
    except UsageError as error:
        return {"id": id, "state": "unknown", "error": str(error)}
    return {"id": id, "output": await job if wait else job.output, "state": job.state}


@api.get("/chats/{id}")
async def chat(id: str, say: str) -> StreamingResponse:
    """Say something, and stream the reply as server-sent events."""
    job = await runs.start(desk, id=f"chat-{id}")

    async def events() -> AsyncIterator[str]:
        async for part in job.stream(say=say):
            if part.text:
                yield f"data: {json.dumps(part.text)}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
