"""Review of a change: analysis, tests and documentation at once, one comment, and a merge that a maintainer approves.

python review.py                                                 reviews a change
stretto run review.py:review --input '{"number": 8, "title": "...", "diff": "..."}' --model openai:gpt-5-mini
"""

from dataclasses import dataclass
from typing import Any, Literal

from offline import YES, System, model, people

from stretto import Agent, PolicyDenied, Run, parallel, start, tool, workflow

forge = System("forge")


@dataclass
class Change:
    """A change that somebody proposes."""

    number: int
    title: str
    diff: str


@dataclass
class Analysis:
    """What the reviewer finds in it."""

    risk: Literal["low", "medium", "high"]
    findings: list[str]


examine = parallel(
    analysis=Agent(instructions="You find mistakes in a diff.", name="analyse", output=Analysis),
    tests=Agent(instructions="You draft the tests that a diff calls for.", name="draft_tests"),
    docs=Agent(instructions="You update the documentation for a diff.", name="update_docs"),
    merge=Agent(instructions="You sum a review up for the author of the change.", name="summarise"),
)


@tool(effect="once", verify=forge.did)
def comment(number: int, text: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Comment on a change."""
    return forge.do(idempotency_key, comment=text, on=f"#{number}")


@tool(
    risk="high",
    to="maintainers",
    preview=lambda change: f"#{change.number} {change.title}\n\n{change.diff}",
    verify=forge.did,
)
def merge(change: Change, *, idempotency_key: str = "") -> dict[str, str]:
    """Merge a change."""
    return forge.do(idempotency_key, merge=f"#{change.number}")


@workflow(budget="$1")
async def review(change: Change) -> str:
    """Review a change and say so; merge it if a maintainer agrees."""
    await comment(change.number, await examine(change))
    try:
        await merge(change)
    except PolicyDenied as no:
        return f"#{change.number} stays open: {no}"
    return f"#{change.number} is merged"


def pushed(event: dict[str, Any]) -> Run:
    """What the forge's webhook brings; an event that comes twice is one review."""
    request = event["pull_request"]
    change = Change(event["number"], request["title"], request["diff"])
    return start(review, change, id=f"change-{change.number}-{request['head']['sha']}", model=MODEL)


# ---- stands in for a model, a forge and a maintainer, so that this runs without a key

EVENT = {
    "number": 7,
    "pull_request": {
        "title": "Greet in Finnish",
        "diff": "- return 'Hello'\n+ return 'Hei'",
        "head": {"sha": "c0ffee"},
    },
}
MODEL = model(
    {
        "You find": {"risk": "low", "findings": ["`greet` has no test"]},
        "You draft": "def test_greet(): assert greet() == 'Hei'",
        "You update": "`greet()` says hello in Finnish.",
        "You sum": "Low risk. `greet` has no test; a draft is attached, and the page is updated.",
    }
)


def main() -> str:
    """What becomes of the change."""
    return str(people(pushed(EVENT), {"merge": YES}))


if __name__ == "__main__":
    print(main())
