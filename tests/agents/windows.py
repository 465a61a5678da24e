"""An agent that looks into one box after the other, for longer than its model's window, and a count from outside."""

import re
from collections.abc import Callable
from typing import Any

from stretto import Agent, tool
from stretto.core.messages import Message, ModelRequest, Text, ToolCall, ToolResult
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, call, say

WINDOW = 8_000
INSTRUCTIONS = "You look into boxes, one by one. Clause 7: never open box 13 — 箱を開けるな。"
GOAL = "Look into every box and tell me the key of box 3."
FILLER = "The lid is scratched and somebody has written a number on the side of it. " * 5


@tool
async def look(box: int) -> str:
    """Look into a box."""
    return f"Box {box} holds key K-{box * 7919}. {FILLER}"


def sums_up(request: ModelRequest) -> bool:
    """Whether a request is for a summary."""
    return request.messages[0].text.startswith("You keep the memory")


def looks(boxes: int, then: Callable[[ModelRequest], Any] | None = None) -> Callable[[ModelRequest], Any]:
    """A script that depends on nothing but the request: the next box after the one in the last result."""

    def script(request: ModelRequest) -> Answer | Any:
        if sums_up(request):
            return say("Some boxes were looked into; each holds a key.")
        last = request.messages[-1]
        found = [part.content for part in last.parts if isinstance(part, ToolResult)]
        if not found:
            return call("look", box=1)
        if (box := re.match(r"Box (\d+) holds", found[0])) is None:
            return say(found[0])
        if int(box[1]) < boxes:
            return call("look", box=int(box[1]) + 1)
        return then(request) if then else call("recall_earlier", query="key in box 3")

    return script


def explorer(boxes: int, model: ScriptedModel | None = None, **properties: Any) -> tuple[Agent[str], ScriptedModel]:
    """The agent and its model."""
    model = model or ScriptedModel(looks(boxes), window=WINDOW)
    return Agent(model, INSTRUCTIONS, name="explorer", tools=[look], max_turns=2_000, **properties), model


def counted(request: ModelRequest) -> int:
    """Tokens of a request as an outside counter has them: one for three characters, which is more than any for English."""
    letters = sum(len(str(body)) for message in request.messages for body in map(_body, message.parts))
    return (letters + len(str(request.tools)) + 20 * len(request.messages)) // 3


def _body(part: Any) -> Any:
    match part:
        case Text(text):
            return text
        case ToolCall(_, name, args):
            return name, args
        case ToolResult(_, name, content):
            return name + content
        case _:
            return part


def is_whole(messages: list[Message]) -> bool:
    """Whether every result stands right behind the turn that asked for it, and every call has one."""
    for before, message in zip([None, *messages], [*messages, None], strict=True):
        asked = {part.id for part in before.calls} if before is not None else set()
        given = message.parts if message is not None and message.role == "tool" else ()
        if {part.call for part in given if isinstance(part, ToolResult)} != asked:
            return False
    return True
