"""What `test:` answers when there is no script: the least that is valid, and always the same."""

from __future__ import annotations

from stretto.core.messages import ModelRequest
from stretto.models.minimal import minimal
from stretto.models.script import Answer, say

_LONGEST = 200


def echo(request: ModelRequest) -> Answer:
    """The smallest value of the output's schema; without one, the last words said, shortened. Never a tool."""
    if request.output is not None:
        return say(minimal(request.output))
    said = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
    words = " ".join(said.split())
    return say(words if len(words) <= _LONGEST else f"{words[:_LONGEST]}...")
