"""What the programs of this folder meet outside when they are run without a key: a model, people, and systems.

A program uses it below the line that says so; what stands above that line is what you would write.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from stretto import Run
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, say

Said = str | dict[str, Any] | Answer


class System:
    """A system outside, such as a bank or a mail server: it does what it is told, again if it is told again.

    What it did stands in the working folder, in `NAME.jsonl`, each time under the key that it was told with.
    """

    def __init__(self, name: str) -> None:
        self._file = Path(f"{name}.jsonl")

    def do(self, key: str, **what: str) -> dict[str, str]:
        """Do something; the receipt says what."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "did": what}) + "\n")
        return what

    def did(self, *, idempotency_key: str) -> dict[str, str] | None:
        """The receipt of what was done under a key; None where nothing was. Tools name it as `verify`."""
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        return next((one["did"] for one in map(json.loads, lines) if one["key"] == idempotency_key), None)


def model(parts: Mapping[str, Said | Callable[[ModelRequest], Said | Awaitable[Said]]], **kind: Any) -> ScriptedModel:
    """A model that plays several parts, told apart by how their instructions begin; `kind` is as in `ScriptedModel`."""

    async def answer(request: ModelRequest) -> Answer:
        told = request.messages[0].text
        part = next(part for start, part in parts.items() if told.startswith(start))
        said = part(request) if callable(part) else part
        said = await said if inspect.isawaitable(said) else said
        return said if isinstance(said, Answer) else say(said)

    return ScriptedModel(answer, **kind)


def heard(request: ModelRequest) -> str:
    """What a model was told last: words, or the result of a tool."""
    return "".join(getattr(part, "text", "") or getattr(part, "content", "") for part in request.messages[-1].parts)


YES = object()


def people(run: Run, answers: Mapping[str, object]) -> Any:
    """Answer what a run asks, by tool or question, with YES or with another text; its output in the end."""
    while run.approvals:
        asked = run.approvals[0]
        said = answers[asked["tool"] or asked["prompt"]]
        run.approve(asked["id"], by="ann", edit=None if said is YES else said)
    return run.conclude()
