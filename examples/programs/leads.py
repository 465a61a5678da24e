"""A lead: who the company is, what it needs, a mail that the sales representative edits, and a record of it all.

python leads.py                                                  works on a lead
stretto run leads.py:approach --input '{"company": "...", "mail": "...", "site": "..."}' --model openai:gpt-5-mini
"""

from dataclasses import dataclass

from offline import System, model, people

from stretto import Agent, PolicyDenied, start, tool, workflow

mail_server, crm = System("mails"), System("crm")


@dataclass
class Lead:
    """Somebody who may buy. `site` is what their web site says."""

    company: str
    mail: str
    site: str


@dataclass
class Mail:
    """A draft."""

    subject: str
    text: str


profile = Agent(instructions="You describe a company in three lines, from what its web site says.", name="profile")
needs = Agent(instructions="You say which of our products a company needs, and why.", name="needs")
write = Agent(instructions="You write a first mail: short, about their needs, no flattery.", name="write", output=Mail)


@tool(
    risk="high",
    to="sales",
    expires="3 days",
    preview=lambda to, mail: f"To: {to}\n{mail.subject}\n\n{mail.text}",
    verify=mail_server.did,
)
def send_mail(to: str, mail: Mail, *, idempotency_key: str = "") -> dict[str, str]:
    """Send a mail; the receipt has it as it was sent."""
    return mail_server.do(idempotency_key, to=to, subject=mail.subject, text=mail.text)


@tool(effect="once", verify=crm.did)
def record(company: str, profile: str, needs: str, mail: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Write down what is known of a company, and what it was sent."""
    return crm.do(idempotency_key, company=company, profile=profile, needs=needs, mail=mail)


@workflow(budget="$0.50")
async def approach(lead: Lead) -> dict[str, str]:
    """Find out, write, and send what the representative makes of it; the record of it."""
    known = await profile(lead.site)
    wanted = await needs(known)
    draft = await write({"company": lead.company, "needs": wanted})
    try:
        mail = (await send_mail(lead.mail, draft))["text"]  # as it was approved, edited or not
    except PolicyDenied as no:
        mail = f"none: {no}"
    return await record(lead.company, known, wanted, mail)


# ---- stands in for a model and a representative, so that this runs without a key

LEAD = Lead("Polar Bikes", "info@polar.example", "We mend bicycles in Oulu, all winter.")
EDITED = {"to": LEAD.mail, "mail": {"subject": "Tyres", "text": "Hello Aino, our winter tyres come in your sizes."}}
MODEL = model(
    {
        "You describe": "A workshop in Oulu.",
        "You say": "Winter tyres: they mend bicycles all winter.",
        "You write": {"subject": "An offer", "text": "Dear Sir or Madam, we sell tyres."},
    }
)


def main() -> dict[str, str]:
    """What stands in the record of the lead."""
    return dict(people(start(approach, LEAD, id="lead-polar", model=MODEL), {"send_mail": EDITED}))


if __name__ == "__main__":
    print(main())
