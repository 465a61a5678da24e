"""`messages ID`."""

import pytest

from tests.cli.conftest import Shell

DESK = """
from stretto import pipeline, workflow


@workflow
async def research(topic: str) -> dict[str, str]:
    return {"found": f"17 million {topic} were sold"}


@workflow
async def write(notes: dict[str, str]) -> str:
    return "Report: " + notes["found"]


desk = pipeline(research, write)
"""


@pytest.mark.capability(74, 132)
def test_messages_between_two_workers_are_listed_in_order(shell: Shell) -> None:
    (shell.folder / "desk.py").write_text(DESK)
    assert shell("run", "desk.py:desk", "cars", "--id", "r").code == 0
    listed = shell("messages", "r", "--between", "research,write")
    assert listed.code == 0
    assert "research → write" in listed.out
    [message] = shell("messages", "r", "--kind", "handover", "--json").json
    assert (message["from"], message["to"]) == ("research", "write")
    assert message["content"] == {"found": "17 million cars were sold"}
    steps = {one["step"]: one for one in shell("show", "r", "--json").json}
    assert steps[message["step"]]["name"] == "write"
    assert '"found": "17 million cars were sold"' in shell("messages", "r", "--message", message["id"]).out
    missing = shell("messages", "r", "--message", "99")
    assert missing.code == 2
    assert "run r has no message 99" in missing.err
