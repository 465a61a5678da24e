"""What the OpenAI Agents SDK says to models and hears from them, in our form; what has no such form is kept verbatim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import agents as sdk
from agents.items import TResponseOutputItem
from pydantic import TypeAdapter

from stretto.bridges.theirs import plain
from stretto.core.canonical import decode
from stretto.core.messages import (
    Conversation,
    Message,
    ModelReply,
    ModelRequest,
    Part,
    Role,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    system,
    user,
)

_BY = "openai-agents"
_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "assistant": "assistant", "user": "user"}
_OUTPUT: TypeAdapter[list[TResponseOutputItem]] = TypeAdapter(list[TResponseOutputItem])


def request(asked: Mapping[str, Any]) -> ModelRequest:
    """A request to a model; `asked` are the arguments of the SDK's `get_response` by name."""
    said = asked["system_instructions"]
    given = asked["input"]
    messages = [system(said)] if said else []
    messages += [user(given)] if isinstance(given, str) else _messages(_listed(given))
    schema = asked["output_schema"]
    typed = schema.json_schema() if schema is not None and not schema.is_plain_text() else None
    settings = asked["model_settings"].to_json_dict()
    settings |= {name: plain(asked.get(name)) for name in ("previous_response_id", "conversation_id", "prompt")}
    known = {name: value for name, value in settings.items() if value is not None}
    return ModelRequest(Conversation.of(messages), tuple(_specs(asked)), typed, known)


def told(response: sdk.ModelResponse) -> ModelReply:
    """A model's answer as it is recorded."""
    output, used = _listed(response.output), response.usage
    parts = [part for item in output for part in _parts(item)]
    cached = getattr(used.input_tokens_details, "cached_tokens", 0) or 0
    provider = {"by": _BY, "output": output, "response": response.response_id}
    return ModelReply(
        Message("assistant", tuple(parts), provider), Usage(used.input_tokens, used.output_tokens, cached)
    )


def response(reply: ModelReply) -> sdk.ModelResponse:
    """The same for the SDK, when it is given and whenever it is read back."""
    kept, used = reply.message.provider, reply.usage
    usage = sdk.Usage(1, used.input, output_tokens=used.output, total_tokens=used.input + used.output)
    return sdk.ModelResponse(_OUTPUT.validate_python(kept["output"]), usage, kept["response"])


def output(value: object) -> object:
    """What a tool gave, as JSON where the SDK knows its form, else as the text that it would become."""
    many = value if isinstance(value, list) else [value]
    known = (sdk.ToolOutputText, sdk.ToolOutputImage, sdk.ToolOutputFileContent)
    if many and all(isinstance(one, known) or (isinstance(one, dict) and "type" in one) for one in many):
        return plain(value)
    return str(value)


def _listed(items: object) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", plain(items))


def _specs(asked: Mapping[str, Any]) -> Iterator[ToolSpec]:
    for tool in asked["tools"]:
        known = isinstance(tool, sdk.FunctionTool)
        yield ToolSpec(tool.name, *((tool.description, tool.params_json_schema) if known else ("", {})))
    for one in asked["handoffs"]:
        yield ToolSpec(one.tool_name, one.tool_description, one.input_json_schema)


def _messages(items: list[dict[str, Any]]) -> Iterator[Message]:
    called = {item["call_id"]: item["name"] for item in items if item.get("type") == "function_call"}
    for item in items:
        yield _message(item, called)


def _message(item: dict[str, Any], called: Mapping[str, str]) -> Message:
    match item:
        case {"type": "function_call_output", "call_id": call, "output": str(text)}:
            return Message("tool", (ToolResult(call, called.get(call, ""), text),))
        case {"content": str(text), "role": role}:
            return Message(_ROLES.get(role, "user"), (Text(text),))
        case _:
            role = _ROLES.get(item.get("role", "assistant"), "user")
            parts = tuple(_parts(item))
            return Message(role, parts, None if parts else {"by": _BY, "item": item})


def _parts(item: dict[str, Any]) -> Iterator[Part]:
    """What an item says, where that is words or a call and nothing else."""
    match item:
        case {"type": "function_call", "call_id": call, "name": name, "arguments": str(written)}:
            yield ToolCall(call, name, _arguments(written))
        case {"content": list(content)} if all(part.get("type") in ("output_text", "input_text") for part in content):
            yield from (Text(part["text"]) for part in content)
        case _:
            pass


def _arguments(written: str) -> Any:
    try:
        return decode(written)
    except ValueError:
        return written
