"""LangGraph's supervisor: it gives facts to a researcher and sums to a mathematician, until it can answer.

First with the model in charge of the loop, then with the loop and its branches written out.
"""

from dataclasses import dataclass
from typing import Literal

from stand_ins import supervisor as model  # with a key, in its place: model = "openai:gpt-5-mini"
from stand_ins import web_search

from stretto import Agent, run, start, workflow


def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def multiply(a: float, b: float) -> float:
    """Multiply two numbers."""
    return a * b


def divide(a: float, b: float) -> float:
    """Divide one number by another."""
    return a / b


research = Agent(
    model,
    "You look things up, and do no sums. Answer with what you found and nothing else.",
    name="research",
    tools=[web_search],
)
maths = Agent(
    model,
    "You work sums out with your tools. Answer with the result and nothing else.",
    name="maths",
    tools=[add, multiply, divide],
)

# ---- the model says who is next, by calling them as tools

supervisor = Agent(
    model,
    "You lead two agents: research knows facts, maths does sums. Ask one at a time, and do nothing yourself.",
    name="supervisor",
    tools=[research, maths],
)

# ---- the same as a workflow: the loop is a loop, the branch a lookup


@dataclass
class Step:
    """Who is next, and what they shall do; or the answer."""

    next: Literal["research", "maths", "nobody"]
    say: str


decide = Agent(
    model,
    "You lead two agents: research knows facts, maths does sums. Say who is next and give them a task of its own. When "
    "there is nothing left to do, it is nobody's turn: say the answer.",
    name="decide",
    output=Step,
)
team = {"research": research, "maths": maths}


@workflow
async def by_hand(question: str) -> str:
    """Decide, branch, and come back, until it is nobody's turn."""
    done: list[str] = []
    while (step := await decide({"question": question, "done": done})).next != "nobody":
        done.append(await team[step.next](step.say))
    return step.say


if __name__ == "__main__":
    question = "What were the GDPs of the US and of New York state in 2024, and what share of the first was the second?"
    job = start(supervisor, question, id="gdp")
    for said in job.messages():
        print(f"{said['from']} to {said['to']}: {said['content']}")
    print(run(by_hand, question, id="gdp-by-hand"))
