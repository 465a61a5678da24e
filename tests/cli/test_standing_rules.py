"""`approve ID --all TOOL --where CONDITION`."""

import json

import pytest

from tests.cli.conftest import Shell

BILLING = '''
from pathlib import Path

from stretto import tool, workflow


@tool(risk="high", effect="once")
def send_invoice(to: str, amount: float) -> str:
    """Send an invoice."""
    with open("effects.log", "a") as file:
        file.write(f"{to} {amount:g}\\n")
    return to


@workflow
async def billing(amounts: list[float]) -> list[str]:
    return [await send_invoice(f"c{number}", amount) for number, amount in enumerate(amounts)]
'''


@pytest.fixture
def billing(shell: Shell) -> Shell:
    (shell.folder / "billing.py").write_text(BILLING)
    assert shell("run", "billing.py:billing", "--input", json.dumps([10, 20, 70]), "--id", "b").code == 3
    return shell


@pytest.mark.capability(58)
def test_one_command_approves_all_that_fit_and_the_record_says_so(billing: Shell) -> None:
    ended = billing("approve", "b", "--all", "send_invoice", "--where", "amount < 50", "--by", "ada")
    assert ended.code == 3
    assert "all send_invoice where amount < 50 approved by ada" in ended.err
    assert billing.effects() == ["c0 10", "c1 20"]
    told = billing("why", "b").out
    assert "all send_invoice where amount < 50: approved by ada (cli)" in told
    assert told.count("approve by ada (rule)") == 2
    assert "rule     send_invoice" in billing("show", "b").out
    (step,) = [step["step"] for step in billing("show", "b", "--json").json if step["kind"] == "rule"]
    assert billing("show", "b", "--step", str(step), "--json").json["result"]["by"] == "ada"
    assert billing("audit", "verify", "b").code == 0


def test_a_rule_holds_where_a_crash_came_between_it_and_its_first_answer(billing: Shell) -> None:
    rule = ("approve", "b", "--all", "send_invoice", "--where", "amount < 50", "--by", "ada")
    assert billing(*rule, STRETTO_FAULT="wake.before#1:kill").code == -9
    kinds = [json.loads(line)["kind"] for line in billing("export", "b").out.splitlines()]
    assert ("ruled" in kinds, "answered" in kinds) == (True, False)
    assert billing("replay", "b").code == 0
    assert billing("resume", "b").code == 3
    assert billing.effects() == ["c0 10", "c1 20"]


def test_a_condition_that_cannot_be_read_is_a_usage_error(billing: Shell) -> None:
    ended = billing("approve", "b", "--all", "send_invoice", "--where", "amount < 50 or True")
    assert (ended.code, "not understood at 'or True'" in ended.err) == (2, True)
    assert billing.effects() == []


@pytest.mark.parametrize(
    "words", [("--where", "amount < 5"), ("--all", "send_invoice", "--edit", "{}"), ("x", "--all", "send_invoice")]
)
def test_options_that_do_not_go_together_are_a_usage_error(billing: Shell, words: tuple[str, ...]) -> None:
    assert billing("approve", "b", *words).code == 2
