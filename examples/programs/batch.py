"""A batch of 500 tickets under one budget, twenty at once: sorted, answered, and reported on, whatever is wrong with some.

python batch.py                                                  answers 500 tickets; killed, it goes on where it was
stretto run batch.py:answer_all --input "$(cat tickets.json)" --model openai:gpt-5-mini
"""

from dataclasses import dataclass
from decimal import Decimal
from statistics import mean, median

from offline import System, heard, model

from stretto import Agent, gather, now, run, tool, workflow
from stretto.core.messages import ModelRequest, Rates

archive = System("archive")


@dataclass
class Ticket:
    """What a customer wrote; `desk` is where a person says that it belongs."""

    text: str
    desk: str


@dataclass
class Reply:
    """What a desk answers, and whether that settles it."""

    text: str
    settled: bool


@dataclass
class Handled:
    """What became of a ticket."""

    right: bool
    settled: bool
    seconds: float


DESKS = {
    name: Agent(instructions=f"You answer what customers write to the {name} desk.", name=name, output=Reply)
    for name in ("order", "return", "technical", "complaint")
}


def known(desk: str) -> str | None:
    """A check: what it returns goes back to the model."""
    return None if desk in DESKS else f"answer with one of {', '.join(DESKS)}"


sort = Agent(instructions=f"You sort tickets, in one word: {', '.join(DESKS)}.", name="sort", accept=known)


@workflow
async def answer(ticket: Ticket) -> Handled:
    """Sort a ticket, and have it answered there."""
    if not ticket.text:
        raise ValueError("the ticket is empty")
    began = await now()
    desk = await sort(ticket.text)
    reply = await DESKS[desk](ticket.text)
    return Handled(desk == ticket.desk, reply.settled, await now() - began)


@tool(effect="once", verify=archive.did)
def file_report(text: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Keep a report."""
    return archive.do(idempotency_key, report=text)


@workflow(budget="$5")
async def answer_all(tickets: list[Ticket]) -> str:
    """Answer all tickets, and report on it."""
    outcomes = await gather((answer(ticket) for ticket in tickets), limit=20, on_error="collect")
    done = [one.value for one in outcomes if one.ok]
    failed = [f"ticket {number}: {one.error}" for number, one in enumerate(outcomes) if not one.ok]
    shares = f"{mean(one.right for one in done):.1%} sorted right, {mean(one.settled for one in done):.1%} settled"
    await file_report("\n".join([f"{len(done)} answered, {shares}", *failed]))
    return f"{len(done)} of {len(tickets)} answered, {shares}, {median(one.seconds for one in done):.3f} s each"


# ---- stands in for a model, so that this runs without a key

TEXTS = {
    "order": "Where is my order?",
    "return": "I want to send this back.",
    "technical": "The pump does not work.",
    "complaint": "Nobody answers me.",
}
TICKETS = [Ticket(f"{text} Yours, customer {number}", desk) for number in range(125) for desk, text in TEXTS.items()]
TICKETS[203:403:20] = [Ticket("Nobody answers, and my order is late.", "complaint")] * 10  # they look like orders
for number in (99, 250, 401):
    TICKETS[number] = Ticket("", "order")


def sorts(request: ModelRequest) -> str:
    """By single words, which is not always right."""
    words = {"order": "order", "send": "return", "work": "technical"}
    return next((desk for word, desk in words.items() if word in heard(request)), "complaint")


MODEL = model(
    {
        "You sort": sorts,
        "You answer": lambda request: {"text": "We see to it.", "settled": "pump" not in heard(request)},
    },
    rates=Rates(Decimal("0.25"), Decimal(2)),
    latency=0.001,
)


def main() -> str:
    """The report."""
    return str(run(answer_all, TICKETS, id="monday", model=MODEL))


if __name__ == "__main__":
    print(main())
