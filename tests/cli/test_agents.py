"""What a person is told of an agent's checks and handoffs."""

import pytest

from tests.cli.conftest import Shell

DESK = """
from stretto import Agent
from stretto.testing import ScriptedModel, call


def lawful(question: str) -> str | None:
    return "we give no legal advice" if "sue" in question else None


def polite(answer: str) -> str | None:
    return None if "please" in answer else "say please"


billing = Agent(ScriptedModel(["Pay!", "Pay, please."]), "You mend bills.", name="billing", accept=polite)
triage = Agent(
    ScriptedModel([call("transfer_to_billing", reason="a bill")]), name="triage", handoffs=[billing], guards=lawful
)
"""


@pytest.mark.capability(38, 209)
def test_why_tells_who_was_handed_what_and_what_was_refused(shell: Shell) -> None:
    (shell.folder / "desk.py").write_text(DESK, encoding="utf-8")
    done = shell("run", "desk.py:triage", "My bill is wrong.", "--id", "d")
    assert (done.code, done.out.strip().endswith("Pay, please.")) == (0, True), done.err
    told = shell("why", "d").out
    assert "guard lawful: yes" in told
    assert "accept polite: no: say please" in told
    assert "triage to billing: a bill" in told
    refused = shell("run", "desk.py:triage", "May I sue?", "--id", "s")
    assert refused.code == 1
    reasons = shell("why", "s", "--json").json
    assert (reasons["kind"], reasons["error"]) == (
        "PolicyDenied",
        "triage may not be asked this: we give no legal advice",
    )
