"""Agents to talk with: one that says what it has heard, and what one pays with."""

from stretto import Agent, tool
from stretto.core.messages import ModelRequest
from stretto.testing import ScriptedModel, call, say


def parrot(request: ModelRequest) -> str:
    """Says how many messages it has heard, and the last of them: it knows the history or it does not."""
    heard = [message.text for message in request.messages if message.role == "user"]
    return f"{len(heard)}: {heard[-1]}"


talker = Agent(ScriptedModel(parrot), "You talk.", name="talker")


@tool(risk="high")
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def pays(request: ModelRequest) -> object:
    """Pays where it is told to, and else is a parrot."""
    if request.messages[-1].role == "tool":
        return say(f"done: {request.messages[-1].parts[0].content}")  # type: ignore[union-attr]
    return call("pay", amount=3) if request.messages[-1].text == "pay" else say(parrot(request))
