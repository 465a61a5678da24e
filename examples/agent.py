"""An agent with a tool: it looks things up, and answers with a value of its output type."""

from dataclasses import dataclass

from stretto import Agent, run, tool
from stretto.testing import ScriptedModel, call, say

LIBRARY = {"EV sales 2025.md": "EVs were 25% of new cars sold.", "Batteries.md": "Packs fell below $100 per kWh."}


@dataclass
class Notes:
    """What the agent answers with."""

    summary: str
    sources: list[str]


@tool
def search(query: str) -> dict[str, str]:
    """Find documents that mention any word of the query."""
    return {name: text for name, text in LIBRARY.items() if any(word in name + text for word in query.split())}


model = ScriptedModel(  # with a key: model = "openai:gpt-5-mini"
    [
        call("search", query="EV market"),
        say({"summary": "A quarter of new cars are electric.", "sources": ["EV sales 2025.md"]}),
    ]
)
research = Agent(model, "You research markets.", name="research", tools=[search], output=Notes, budget="$0.20", retry=3)

if __name__ == "__main__":
    notes = run(research, "How large is the EV market?", db=":memory:")
    print(notes.summary, *notes.sources, sep="\n- ")
