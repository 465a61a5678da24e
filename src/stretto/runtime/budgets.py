"""The accounts of tasks, and asking a named person for more where a budget is used up: money, tokens and calls, or time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from stretto.core.errors import UsageError
from stretto.core.events import Asked
from stretto.core.values import Answer, Budget, Spend
from stretto.policy.ledger import Account
from stretto.runtime import waits

if TYPE_CHECKING:
    from stretto.runtime.execution import Execution
    from stretto.runtime.scope import Scope


_NOTHING = Spend()


def account(
    run: Execution, keys: Sequence[str], name: str, budget: Budget | None, above: Account | None = None
) -> Account:
    """A task's account, as it stood when the run was last loaded; its attempts (`keys`) share one."""
    key, recording = keys[0], run.recording
    raised = recording.caps.get(key)
    cap = budget.raised(raised) if budget is not None and raised is not None else raised or budget
    spent = sum([recording.spent[each] for each in keys if each in recording.spent], _NOTHING)
    account = Account(key, name, cap, above, spent)
    account.elapsed = partial(_elapsed, run, recording.begun.get(key, run.worked()))
    return account


def _elapsed(run: Execution, begun: int) -> float:
    return (run.worked() - begun) / 1e6


async def in_time(scope: Scope, wanted: str) -> None:
    """Let a new step begin only while the wall time of the accounts around is not used up; what has begun goes on."""
    while (late := scope.account.late()) is not None:
        if late.refused:
            raise UsageError(late.refused)
        if late.asking:
            await scope.run.parking.until(late.change())
        else:
            await ask_for_more(scope, late, f"{wanted} waits")


async def ask_for_more(scope: Scope, account: Account, wanted: str) -> None:
    """Wait until a named person raises the cap. The question is the account's, whichever branch comes to ask it."""
    ident, record = scope.run.recording.question(f"budget {account.key}")

    def ask(wait: str) -> Asked:
        prompt = f"The budget of {account.name} is used up ({account.left()}); {wanted}."
        return Asked(wait, "budget", prompt, of=account.name, worker=scope.worker)

    account.asking = True
    try:
        answer = await waits.wait(scope.root, ident, record, ask, _unfit)
    finally:
        account.asked()
    if answer.decision != "approve":
        account.refused = f"the budget of {account.name} is used up and was not raised: {account.left()}"
        raise UsageError(account.refused)
    account.raise_cap(Budget.parse(answer.value) or Budget())


def _unfit(answer: Answer) -> str:
    if answer.decision not in ("approve", "reject", "expired"):
        return f"a budget is answered with approve or reject, not {answer.decision!r}"
    if answer.decision == "approve":
        try:
            if Budget.parse(answer.value) is None:
                return "a budget is raised to an amount, such as '$5'"
        except (UsageError, TypeError, AttributeError) as error:
            return f"the new budget is not understood: {error}"
    return ""
