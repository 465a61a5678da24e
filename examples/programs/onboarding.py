"""Onboarding over days: a contract that is signed some day, reminders until then, and a mail three days after.

python onboarding.py                                             goes on as far as it can today; run it again tomorrow
stretto run onboarding.py:onboarding --id ada --input '{"name": "Ada", "mail": "ada@example.org"}'
stretto send ada signed '{"plan": "gold"}'
"""

from dataclasses import dataclass

from offline import System

from stretto import receive, sleep, start, tool, workflow

mails, accounts = System("mails"), System("accounts")


@dataclass
class Customer:
    """Somebody who wants to begin."""

    name: str
    mail: str


@dataclass
class Contract:
    """What they sign."""

    plan: str


@tool(effect="once", verify=mails.did)
def send_mail(to: str, text: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Send one of our standard mails."""
    return mails.do(idempotency_key, to=to, text=text)


@tool(effect="once", verify=accounts.did)
def open_account(mail: str, plan: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Open an account."""
    return accounts.do(idempotency_key, account=mail, plan=plan)


async def signature(customer: Customer) -> Contract | None:
    """The contract, once it is signed; after a week and after two there is a reminder, after three it is over."""
    for text in ("Here is your contract.", "Your contract waits for you.", "Shall we still keep a place for you?"):
        await send_mail(customer.mail, text)
        try:
            return await receive("signed", Contract, timeout="7d")
        except TimeoutError:
            continue
    return None


@workflow
async def onboarding(customer: Customer) -> str:
    """From the contract to the first days; all of it may take weeks, and costs nothing while it waits."""
    contract = await signature(customer)
    if contract is None:
        return f"{customer.name} did not sign"
    await open_account(customer.mail, contract.plan)
    await sleep(days=3)
    await send_mail(customer.mail, f"How is it going, {customer.name}?")
    return f"{customer.name} is with us, on {contract.plan}"


# ---- stands in for a customer, so that something happens


def main() -> str:
    """How far it is."""
    job = start(onboarding, Customer("Ada", "ada@example.org"), id="ada")
    if any(asked["kind"] == "signal" for asked in job.approvals):
        job.send("signed", {"plan": "gold"}, by="ada")
    return job.output or "; ".join(asked["prompt"] for asked in job.approvals)


if __name__ == "__main__":
    print(main())
