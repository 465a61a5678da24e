"""An App in a program of one's own, in its event loop: runs side by side, a dependency, a signal from outside."""

import asyncio
from dataclasses import dataclass, field

from stretto import App, injected, receive, tool, workflow


@dataclass
class Ledger:
    """A dependency: something that lives in this program."""

    lines: list[str] = field(default_factory=list)


@tool(effect="idempotent")
def book(customer: str, amount: int, *, ledger: Ledger = injected) -> str:
    """Write an amount down; the ledger is given by the App, and no model or journal sees it."""
    ledger.lines.append(f"{customer} {amount}")
    return f"{customer} owes {amount}"


@workflow
async def onboarding(customer: str) -> str:
    """Wait for the contract, however long it takes, and book it."""
    contract = await receive("signed", dict[str, int], timeout="14d")  # waiting costs nothing
    return await book(customer, contract["amount"])  # the App gives the ledger


async def main() -> None:
    """Start two runs, and send each what it waits for."""
    ledger = Ledger()
    async with App([onboarding], deps=ledger, db=":memory:") as app:
        jobs = [await app.start(onboarding, name, id=name) for name in ("ann", "bob")]
        for amount, job in enumerate(jobs, 100):
            await app.settled(job.id)
            await job.send("signed", {"amount": amount})
        print([await job for job in jobs], ledger.lines)


if __name__ == "__main__":
    asyncio.run(main())
