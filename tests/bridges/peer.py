"""A peer of another organisation, made with the SDK of the protocol, and served on loopback."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvicorn
from a2a.helpers.proto_helpers import new_data_part, new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types.a2a_pb2 import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from starlette.applications import Starlette


@dataclass
class Desk(AgentExecutor):
    """Answers by what it is told: "ask", "hang", "fail", "data", else in capitals."""

    told: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    url: str = ""
    began: threading.Event = field(default_factory=threading.Event)

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        words = context.get_user_input()
        self.told.append(words)
        self.began.set()
        task = context.current_task
        if task is None:
            assert context.message is not None
            task = new_task_from_user_message(context.message)
            await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await updater.start_work()
        match words:
            case "ask":
                await updater.requires_input(updater.new_agent_message([new_text_part("Which town?")]))
            case "hang":
                await asyncio.sleep(60)
            case "fail":
                await updater.failed(updater.new_agent_message([new_text_part("no stock")]))
            case _:
                part = new_data_part({"price": 5}) if words == "data" else new_text_part(words.upper())
                await updater.add_artifact([part])
                await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        self.cancelled.append(context.task_id or "")
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


@contextlib.contextmanager
def serving(desk: Desk, version: str = "1.0") -> Iterator[str]:
    """The peer's address, while it is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    interface = AgentInterface(url=f"{url}/rpc", protocol_binding="JSONRPC", protocol_version=version)
    skill = AgentSkill(id="shout", name="Shout", description="Gives words back in capitals.", tags=["text"])
    card = AgentCard(
        name="desk",
        description="Shouts.",
        version="1",
        capabilities=AgentCapabilities(streaming=False),
        default_input_modes=["text"],
        default_output_modes=["text"],
        skills=[skill],
        supported_interfaces=[interface],
    )
    handler = DefaultRequestHandler(desk, InMemoryTaskStore(), card)
    routes = [*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/rpc", enable_v0_3_compat=True)]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield url
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
