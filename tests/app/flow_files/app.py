"""What the flow files of the tests name: a model without a key, tools, workers, rules."""

from dataclasses import dataclass
from pathlib import Path

from stretto import Agent, ToolError, tool, workflow
from stretto.core.messages import ModelRequest, ToolResult
from stretto.models.script import Step
from stretto.orchestrator.plan import Plan, PlannedTask, Verdict
from stretto.testing import ScriptedModel, call, say

NUMBER = 7


@dataclass
class Notes:
    title: str
    score: float = 0.5


def think(request: ModelRequest) -> Step | str:
    """Answers by its instructions: a shout, a tool's result, a label, a verdict."""
    told, said = request.messages[0].text, request.messages[-1].text
    for part in request.messages[-1].parts:
        if isinstance(part, ToolResult):
            return f"found {part.content}"
    if request.tools:
        first = request.tools[0]
        return call(first.name, **{next(iter(first.parameters["properties"])): said})
    if told == "Judge.":
        return say({"ok": "round two" in said, "score": 0.9 if "feedback" in said else 0.1})
    if told.startswith("Choose."):
        return "billing" if "invoice" in said else "nobody"
    return said.upper()


model = ScriptedModel(think, name="test:think")


def search(query: str) -> str:
    """Search the web."""
    return f"hits for {query}"


@tool(risk="high", effect="idempotent")
def publish(text: str, channel: str = "web") -> str:
    """Publish a text."""
    Path("published.txt").write_text(f"{channel}: {text}", encoding="utf-8")
    return f"published on {channel}: {text}"


@tool
def mail(to: str, body: str) -> str:
    """Write a mail."""
    return f"mail to {to}: {body}"


@tool
def fetch() -> str:
    """Fetch the news."""
    return "news"


def grade(draft: str) -> dict[str, object]:
    """A verdict that is good from the second round on."""
    return {"ok": "round two" in draft, "score": len(draft) / 10, "detail": {"rejected": "round two" not in draft}}


def rewrite(task: object) -> str:
    """A first draft, or one that has taken the feedback."""
    return f"round two of {task['task']}" if isinstance(task, dict) else f"draft of {task}"


def broken(value: object) -> str:
    raise ToolError("out of order")


def join(results: dict[str, str]) -> str:
    return " + ".join(f"{name}: {text}" for name, text in sorted(results.items()))


def long_enough(draft: str) -> bool:
    return len(draft) > 3


def ways(value: str) -> str:
    return "billing" if "invoice" in value else "other"


@workflow
async def echo(value: object) -> object:
    return value


def plan(brief: object) -> Plan:
    return Plan((PlannedTask("a", "the first", "echo"), PlannedTask("b", "the second", "echo", after=("a",))))


def accept(shown: object) -> Verdict:
    return Verdict(True)


seasoned = Agent(model, "Say it.", name="someone")


def briefing(value: object) -> str:
    return "Judge."
