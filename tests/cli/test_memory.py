"""`memory search`, `list` and `forget`."""

import pytest

from tests.cli.conftest import Shell

DECIDE = """
from stretto import Memory, remember, workflow


@workflow
async def decide(topic: str) -> str:
    await remember("We chose Xylo as our vendor.", about="vendor")
    await Memory("alice").remember("Alice likes tea.")
    return f"All about {topic}."
"""


@pytest.mark.capability(71, 77)
def test_memories_are_searched_listed_and_forgotten(shell: Shell) -> None:
    (shell.folder / "decide.py").write_text(DECIDE)
    assert shell("run", "decide.py:decide", "vendors", "--id", "monday").code == 0
    found = shell("memory", "search", "which vendor", "--json").json
    assert [(one["text"], one["run"], one["kind"], one["id"]) for one in found] == [
        ("We chose Xylo as our vendor.", "monday", "memory", "1"),
        ("All about vendors.", "monday", "output", ""),
    ]
    listed = shell("memory", "list")
    assert (listed.code, listed.out.count("monday")) == (0, 2)
    assert "We chose Xylo" in listed.out
    assert [one["text"] for one in shell("memory", "list", "--space", "alice", "--json").json] == ["Alice likes tea."]
    assert shell("memory", "forget", "1").out == "forgot 1\n"
    gone = shell("memory", "forget", "1")
    assert gone.code == 2
    assert "there is no memory 1" in gone.err
    nothing = shell("memory", "search", "zebra")
    assert (nothing.code, nothing.out) == (0, "")
    assert "nothing is known about 'zebra'" in nothing.err
