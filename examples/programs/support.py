"""Customer support over many turns: triage hands over to specialists, and a supervisor approves what is paid back.

python support.py                                                plays a conversation
stretto chat support.py:triage --model openai:gpt-5-mini         talks with you
"""

from offline import Said, System, heard, model

from stretto import Agent, RunWaiting, ToolError, start, tool
from stretto.core.messages import ModelRequest
from stretto.testing import call

ORDERS = {"A17": "a kettle, 39 EUR, delivered on Monday", "B02": "a lamp, 25 EUR, on its way"}
bank = System("bank")


@tool
def look_up(order: str) -> str:
    """Find an order by its number."""
    if order not in ORDERS:
        raise ToolError(f"there is no order {order}; ask the customer for its number")
    return ORDERS[order]


@tool(risk="high", to="supervisors", preview=lambda order, euros: f"{ORDERS[order]}: {euros} EUR back", verify=bank.did)
def refund(order: str, euros: int, *, idempotency_key: str = "") -> dict[str, str]:
    """Pay money back for an order."""
    return bank.do(idempotency_key, order=order, paid_back=f"{euros} EUR")


billing = Agent(
    instructions="You settle payments. Look the order up before you pay anything back.",
    name="billing",
    about="for refunds and invoices",
    tools=[look_up, refund],
)
technical = Agent(
    instructions="You get devices to work again, one step at a time.",
    name="technical",
    about="for devices that do not work",
    handoffs=[billing],
)
triage = Agent(
    instructions="You welcome customers, find out what it is about, and hand over to who can help.",
    name="triage",
    handoffs=[technical, billing],
)


def talk(ticket: str, *lines: str) -> list[str]:
    """Say each line once, also where this was killed on the way and begins again; the replies."""
    job, replies = start(triage, id=ticket, model=MODEL), []
    for number, line in enumerate(lines, 1):
        try:
            replies.append(job.say(line, key=f"line {number}"))
        except RunWaiting:  # for a supervisor
            job.approve("refund", by="sue")
            replies.append(job.reply())
    return replies


# ---- stands in for a model and a customer, so that this runs without a key

SAID = (
    "Hello!",
    "My kettle does not get hot.",
    "It is plugged in, and the light is on.",
    "No, pressing it for longer changes nothing.",
    "Done that. It stays cold.",
    "Then I want my money back. The order is A17.",
    "When do I have it?",
    "Do I have to send the kettle back?",
    "What about the lamp, B02?",
    "Thank you.",
)


def mends(request: ModelRequest) -> Said:
    """The technician: four tries, then it is a case for billing."""
    if "money back" in heard(request):
        return call("transfer_to_billing", reason="The kettle of order A17 cannot be mended.")
    return f"Let us try something else: step {sum(message.role == 'user' for message in request.messages) - 2}."


def settles(request: ModelRequest) -> Said:
    """Billing: looks up, pays back, and knows what was said before."""
    told = heard(request)
    if "handed this conversation over" in told:
        return call("look_up", order="A17")
    if "kettle, 39 EUR" in told:
        return call("refund", order="A17", euros=39)
    if "paid_back" in told:
        return "You have 39 EUR back."
    short: dict[str, Said] = {
        "When do": "In three days.",
        "Do I": "No, keep it.",
        "What about": call("look_up", order="B02"),
        "a lamp,": "It is on its way.",
    }
    return short.get(" ".join(told.split()[:2]), "You are welcome.")


MODEL = model(
    {
        "You welcome": lambda request: (
            call("transfer_to_technical", reason="A kettle stays cold.")
            if "kettle" in heard(request)
            else "What is it?"
        ),
        "You get devices": mends,
        "You settle": settles,
    }
)


def main() -> list[str]:
    """The whole conversation; the replies."""
    return talk("ticket-7", *SAID)


if __name__ == "__main__":
    for question, reply in zip(SAID, main(), strict=True):
        print(f"> {question}\n{reply}")
