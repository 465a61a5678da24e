"""The logic of the flow files here: tools, a rule, and models that follow a script so that no key is needed."""

from pathlib import Path

from stretto import tool
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, calls, say
from stretto.testing import call as ask_for


def think(request: ModelRequest) -> Answer:
    """What a model would say, by what it was told."""
    told, asked = request.messages[0].text, request.messages[-1].text
    if request.tools and request.messages[-1].role == "user":
        return calls(say("Looking it up."), ask_for("search", query=asked))
    if told.startswith("You check"):
        return say(
            {"ok": "in short" in asked, "score": 0.9 if "in short" in asked else 0.4, "reason": "make it shorter"}
        )
    if told.startswith("You write"):
        return say("Electric cars, in short." if "feedback" in asked else "Electric cars, at length.")
    if told.startswith("You answer"):
        return say(f"Dear customer, {asked}")
    return say("One new car in four is electric.")


model = ScriptedModel(think)  # with a key, a flow file says: model: openai:gpt-5-mini


@tool
def search(query: str) -> str:
    """Search the library."""
    return f"three documents about {query}"


@tool(risk="medium", effect="idempotent")
def save(text: str, path: str) -> str:
    """Write a text into a file."""
    Path(path).write_text(text, encoding="utf-8")
    return f"{path} has {len(text.split())} words"


def department(letter: str) -> str:
    """Which way a letter goes."""
    return "billing" if "invoice" in letter.lower() else "technical"
