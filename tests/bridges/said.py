"""A model for the Agents SDK that answers by what it is shown, so that it can be asked again after a crash."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from agents import Model, ModelResponse, Usage

from stretto import UsageError

Answers = Callable[[list[dict[str, Any]]], list[Any]]
"""What it says (`agents.testing.function_call`, `assistant_message`), by the results of tools that it has been given."""


class Said(Model):
    """See the head of this module; it counts how often it is asked."""

    def __init__(self, answers: Answers, model: str = "") -> None:
        self.answers, self.model, self.asked = answers, model, 0

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        self.asked += 1
        items = [] if isinstance(input, str) else input
        results = [item for item in items if item.get("type") == "function_call_output"]
        return ModelResponse(self.answers(results), Usage(1, 10, output_tokens=5, total_tokens=15), None)

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def nobody(name: str) -> Any:
    """A world without models of its own."""
    raise UsageError(f"no model {name} here")
