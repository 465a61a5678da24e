"""What an agent of a flow file checks, and whom it hands a conversation over to."""

from pathlib import Path
from typing import Any

import pytest

from stretto import UsageError, start
from stretto.app.flows import Flow, load

APP = """
from stretto.testing import ScriptedModel, call

def sorts(request):
    return call("transfer_to_billing", reason="a bill")

def answers(request):
    return "Mended." if "not accepted" in request.messages[-1].text else "Yes."

sorting, answering = ScriptedModel(sorts), ScriptedModel(answers)

def polite(answer):
    return None if answer == "Mended." else "say what was done"

def lawful(question):
    return "sue" not in question
"""
AGENTS = """
agents:
  triage: {model: app.py:sorting, instructions: You sort., handoffs: [billing],
           guards: [app.py:lawful], refusal: Ask a lawyer.}
  billing: {model: app.py:answering, instructions: You mend bills., accept: [app.py:polite], handoffs: [triage]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flow(folder: Path, text: str) -> Flow:
    (folder / "flow.yaml").write_text(text, encoding="utf-8")
    return load(folder / "flow.yaml")


def answer(worker: Any, question: str) -> Any:
    run = start(worker, question, db=":memory:")
    assert run.state == "done", run.view.failure
    return run.output


@pytest.mark.capability(38, 209)
def test_agents_of_a_file_check_refuse_and_hand_over(folder: Path) -> None:
    desk = flow(folder, AGENTS + "flow: [triage]")
    assert answer(desk, "My bill is wrong.") == "Mended."
    assert answer(desk, "May I sue?") == "Ask a lawyer."


def test_only_an_agent_takes_a_conversation_over(folder: Path) -> None:
    with pytest.raises(UsageError, match="'echo' is no agent; only an agent goes on with a conversation"):
        flow(folder, "agents: {triage: {handoffs: [echo]}}\nworkers: {echo: app.py:polite}\nflow: [triage]")
