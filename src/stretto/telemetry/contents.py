"""What was said, asked and answered, as span attributes. Only for whoever asks for it: it may hold anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stretto.core.blobs import Blob, fetched
from stretto.core.canonical import decode, encode
from stretto.core.messages import Media, Message, Text, ToolCall, ToolResult, unlink
from stretto.core.text import as_text
from stretto.telemetry.spans import Attributes, Span


async def contents(span: Span, blob: Blob) -> Attributes:
    """Messages, arguments and results of a span, as the conventions have them: JSON as text."""
    asked, gave = await fetched(span.asked, blob), await fetched(span.gave, blob)
    match span.operation:
        case "chat":
            return await _chat(asked, gave, blob)
        case "execute_tool":
            return _texts({"gen_ai.tool.call.arguments": asked, "gen_ai.tool.call.result": gave})
        case "invoke_agent" | "invoke_workflow":
            said = {"gen_ai.input.messages": [_turn("user", asked)]}
            return _texts(said | ({} if gave is None else {"gen_ai.output.messages": [_turn("assistant", gave)]}))
        case _:
            return {}


def _texts(values: dict[str, Any]) -> Attributes:
    return {name: encode(value).decode() for name, value in values.items() if value is not None}


def _turn(role: str, value: Any) -> dict[str, Any]:
    finish = {"finish_reason": "stop"} if role == "assistant" else {}
    return {"role": role, "parts": [{"type": "text", "content": as_text(value)}], **finish}


async def _chat(asked: Any, gave: Any, blob: Blob) -> Attributes:
    if not isinstance(asked, dict):
        return {}
    messages: list[Message] = []
    head = asked["conversation"]
    while head:
        head, message = unlink(await blob(head))
        messages.append(message)
    said = [message for message in reversed(messages) if message.role != "system"]
    rules = [part for message in reversed(messages) if message.role == "system" for part in _parts(message)]
    frame = decode(await blob(asked["frame"]))
    found: dict[str, Any] = {
        "gen_ai.system_instructions": rules or None,
        "gen_ai.input.messages": [_message(message) for message in said],
        "gen_ai.tool.definitions": [{"type": "function", **spec} for spec in frame.get("tools") or ()] or None,
    }
    if isinstance(gave, dict):
        _, answer = unlink(await blob(gave["message"]))
        found["gen_ai.output.messages"] = [{**_message(answer), "finish_reason": gave["finish"]}]
    return _texts(found)


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": list(_parts(message))}


def _parts(message: Message) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        match part:
            case Text(text):
                yield {"type": "text", "content": text}
            case ToolCall(id, name, args):
                yield {"type": "tool_call", "id": id, "name": name, "arguments": args}
            case ToolResult(call, _, content):
                yield {"type": "tool_call_response", "id": call, "response": content}
            case Media(media_type, url, digest):
                yield {"type": "uri", "mime_type": media_type, "uri": url or f"sha256:{digest}"}
