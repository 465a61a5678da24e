"""A policy as data: a file, or a table of stretto.toml, that holds without a change of code."""

from pathlib import Path

import pytest

from stretto import App, RunWaiting, UsageError, WorkerFailed, run, tool, workflow


@tool
def look(what: str) -> str:
    return f"saw {what}"


@tool(risk="high")
def send(what: str) -> str:
    return f"sent {what}"


@workflow
async def both(what: str) -> list[str]:
    return [await look(what), await send(what)]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.capability(62, 125)
def test_a_policy_file_allows_asks_and_denies() -> None:
    Path("free.toml").write_text('allow = ["send"]')
    assert run(both, "x", db=":memory:", policy="free.toml") == ["saw x", "sent x"]
    Path("strict.toml").write_text('autonomy = "ask-all"')
    with pytest.raises(RunWaiting, match="of look"):
        run(both, "x", db=":memory:", policy=Path("strict.toml"))
    Path("no.toml").write_text('deny = ["look"]')
    with pytest.raises(WorkerFailed, match="the policy denies look"):
        run(both, "x", db=":memory:", policy="no.toml")


@pytest.mark.capability(125)
def test_the_settings_file_holds_for_all_runs_of_its_folder() -> None:
    Path("stretto.toml").write_text('[policy]\nallow = ["send"]')
    assert run(both, "x", db=":memory:") == ["saw x", "sent x"]
    Path("ask.toml").write_text('ask = ["look"]')
    with pytest.raises(RunWaiting, match="of look"):
        run(both, "x", db=":memory:", policy="ask.toml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("denied = []", "a policy has no 'denied'; it has autonomy, read_only, allow, ask, deny"),
        ('deny = "look"', "deny is a list of tools"),
        ('autonomy = "full"', "autonomy 'full' is not known"),
        ("deny = [", "cannot be read, so nothing is allowed"),
    ],
)
def test_a_policy_that_cannot_be_read_allows_nothing(text: str, problem: str) -> None:
    Path("policy.toml").write_text(text)
    with pytest.raises(UsageError, match=problem):
        App(db=":memory:", policy="policy.toml")
    with pytest.raises(UsageError, match="policy missing"):
        App(db=":memory:", policy="missing.toml")
