"""A market report: planned by a model, researched in parallel, reviewed, written, judged, and done better once.

python research.py                                               writes a report
stretto run research.py:market_report "electric cars" --model openai:gpt-5-mini
"""

from dataclasses import dataclass
from typing import Any

from offline import Said, System, heard, model

from stretto import Agent, Orchestrator, pipeline, run, tool
from stretto.core.messages import ModelRequest
from stretto.testing import call

archive = System("archive")
SOURCES = {
    "market": "17 million electric cars were sold in 2024, a fifth of all cars. [agency 2025, p. 12]",
    "makers": "Two makers sell a third of them. [register 2025, table 3]",
    "prices": "The median price fell by 9% in a year. [index 2025, p. 4]",
}


@dataclass
class Report:
    """What is delivered."""

    market: str
    makers: str
    prices: str


@tool
def search(topic: str) -> str:
    """Find what is known about the market, the makers or the prices."""
    return next((text for name, text in SOURCES.items() if name in topic), "nothing was found")


@tool(effect="once", verify=archive.did)
def file_report(report: Report, *, idempotency_key: str = "") -> dict[str, str]:
    """Put a report into the archive."""
    return archive.do(idempotency_key, market=report.market, makers=report.makers, prices=report.prices)


research = Agent(
    instructions="You research one question and cite the source of each figure. Say so where nothing is found.",
    name="research",
    about="researches one question",
    tools=[search],
)
write = Agent(
    instructions="You write a market report for investors, from what was found and nothing else.",
    name="write",
    output=Report,
)
boss = Orchestrator(workers=[research], integrator=write, accept=0.8, budget="$2")  # a model plans, reviews and judges
market_report = pipeline(boss, file_report)


# ---- stands in for a model, so that this runs without a key


def plans(request: ModelRequest) -> dict[str, Any]:
    """Two questions at once; when the judge misses the prices, one more."""
    missed = "prices" in heard(request)
    topics = ["prices"] if missed else ["market", "makers"]
    return {
        "tasks": [
            {"id": name, "worker": "research", "goal": f"the {name} of electric cars", "accept": "has a source"}
            for name in topics
        ]
    }


def researches(request: ModelRequest) -> Said:
    """Searches, and tells what it found."""
    return call("search", topic=heard(request)) if request.messages[-1].role == "user" else heard(request)


def writes(request: ModelRequest) -> dict[str, Any]:
    """Puts together what was found."""
    return {name: text if text in heard(request) else "unknown" for name, text in SOURCES.items()}


def judges(request: ModelRequest) -> dict[str, Any]:
    """Wants all three."""
    return {"value": 0.5, "reason": "it says nothing of prices"} if "unknown" in heard(request) else {"value": 0.9}


MODEL = model(
    {
        "You plan": plans,
        "You research": researches,
        "You review": lambda request: {"ok": "[" in heard(request)},
        "You write": writes,
        "You judge": judges,
    },
    latency=0.01,
)


def main() -> dict[str, str]:
    """What stands in the archive."""
    return dict(run(market_report, "electric cars", id="ev-market", model=MODEL))


if __name__ == "__main__":
    print(main())
