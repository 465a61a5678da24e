"""A help desk: a guard, a handoff to a specialist, a payment that a person approves, and a check of the answer."""

from stretto import Agent, start, tool
from stretto.testing import ScriptedModel, call

LEDGER: list[str] = []


@tool(risk="high", effect="once")
def refund(customer: str, amount: int) -> str:
    """Pay money back."""
    LEDGER.append(f"{customer} {amount}")
    return f"{customer} got {amount} back"


def lawful(question: str) -> str | None:
    """A guard: it sees the question before any model does."""
    return "we give no legal advice" if "sue" in question else None


def kind(answer: str) -> str | None:
    """A check: what it returns goes back to the model, as the reason why the answer is not accepted."""
    return None if "sorry" in answer else "say that we are sorry"


sorts = ScriptedModel([call("transfer_to_billing", reason="It is about a bill.")])  # with a key: "openai:gpt-5-mini"
mends = ScriptedModel(
    [call("refund", customer="ann", amount=12), "You have 12 back.", "We are sorry. You have 12 back."]
)
billing = Agent(mends, "You mend bills.", name="billing", about="for bills", tools=[refund], accept=kind)
desk = Agent(
    sorts, "You find out who can help.", name="desk", handoffs=[billing], guards=lawful, refusal="Please ask a lawyer."
)

if __name__ == "__main__":
    print(start(desk, "Can I sue you?", db=":memory:").output)
    job = start(desk, "I paid my bill of 12 twice.", db=":memory:")
    asked = job.approvals[0]
    print("asks:", asked["tool"], asked["args"])
    job.approve(by="grace")
    print(job.output, LEDGER)
