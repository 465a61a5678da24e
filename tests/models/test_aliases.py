"""Models by what they are for: one place says what "strong" and "light" are, and what their providers allow."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from threading import Condition
from time import sleep
from typing import Any

import pytest

from stretto import Agent, App, Orchestrator, UsageError, gather, start, workflow
from stretto.core.messages import ModelRequest
from stretto.models.pace import Limit
from stretto.models.script import Answer
from stretto.testing import FakeProvider, ScriptedModel, fail, say

PLAN = {"tasks": [{"id": name, "worker": "light", "goal": name} for name in ("a", "b", "c")]}


def think(request: ModelRequest) -> Answer:
    return say(PLAN if request.messages[0].text.startswith("You plan") else "done")


boss = Orchestrator("strong", [Agent("light", "You work.", name="light")])


def asked(fake: FakeProvider) -> dict[str, set[str]]:
    """The models that were asked, by the part that did."""
    found: dict[str, set[str]] = {}
    for one in fake.received:
        part = " ".join(one.request.messages[0].text.split()[:2])
        found.setdefault(part, set()).add(json.loads(one.body)["model"])
    return found


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    with FakeProvider(think) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.mark.capability(107, 108)
@pytest.mark.parametrize("strong", ["openai:gpt-5", "anthropic:claude-sonnet-4-6"])
def test_switching_in_one_place_changes_all_requests(strong: str, fake: FakeProvider) -> None:
    models = {"strong": strong, "light": "openai:gpt-5-mini"}
    assert start(boss, "EV", db=":memory:", models=models).state == "done"
    name = strong.partition(":")[2]
    assert asked(fake) == {"You plan": {name}, "You work.": {"gpt-5-mini"}, "You are": {name}}


@pytest.mark.capability(108)
def test_the_settings_file_is_that_place_and_the_environment_overrides_it(
    fake: FakeProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stretto.toml").write_text('[models]\nstrong = "openai:big"\nlight = "openai:small"\n')
    assert start(boss, "EV", db=":memory:").state == "done"
    assert asked(fake) == {"You plan": {"big"}, "You work.": {"small"}, "You are": {"big"}}
    monkeypatch.setenv("STRETTO_MODEL_LIGHT", "openai:tiny")
    assert start(Agent("light", "Again."), "x", db=":memory:").state == "done"
    assert start(Agent(None, "Run's own."), "x", db=":memory:", model="strong").state == "done"
    assert asked(fake) | {"You plan": set()} == {
        "You plan": set(), "You work.": {"small"}, "You are": {"big"}, "Again.": {"tiny"}, "Run's own.": {"big"},
    }  # fmt: skip


@pytest.mark.capability(108)
def test_a_run_keeps_the_models_that_it_began_with(fake: FakeProvider, tmp_path: Path) -> None:
    waits = Orchestrator("strong", boss.workers, approve_plan=True)
    job = start(
        waits, "EV", db=str(tmp_path / "runs.db"), models={"strong": "openai:one", "light": "openai:small"}, id="r"
    )
    assert job.state == "waiting"
    other = App([waits], db=str(tmp_path / "runs.db"), models={"strong": "openai:two", "light": "openai:two"})
    other.get("r").approve(by="Ann")
    assert asked(fake) == {"You plan": {"one"}, "You work.": {"small"}, "You are": {"one"}}


@pytest.mark.parametrize(
    ("name", "models", "said"),
    [
        ("stron", {"strong": "openai:x"}, "'stron' is no alias; did you mean 'strong'? the aliases are strong"),
        ("strong", {}, "'strong' is no alias; the aliases are none"),
        ("strong", {"strong": "light", "light": "openai:x"}, "stands for 'light', which is no PROVIDER:MODEL"),
    ],
)
def test_an_unknown_alias_is_explained(name: str, models: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        start(Agent(name), "x", db=":memory:", models=models)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[model]\nstrong = 'x:y'", "'model' is not known; its tables are [models], [limits]"),
        ("[models]\nstrong = 1", "[models] holds lines like strong ="),
        ("[models", "cannot be read"),
        ("[limits]\nopenai = '2 at one'", "limit '2 at one' is not understood"),
    ],
)
def test_a_wrong_settings_file_is_explained(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stretto.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        App(db=":memory:")
    assert said in str(caught.value)


# ---- so many at once


def test_a_limit_says_how_many_at_once() -> None:
    assert Limit.parse("2 at once") == Limit(at_once=2)
    assert Limit.parse("2 at once, 500 requests, 1_000 tokens") == Limit(500, 1000, at_once=2)
    with pytest.raises(UsageError, match="like '2 at once'"):
        Limit.parse("0 at once")


class Flight:
    """Counts the requests that a provider has at once, by model; the first ones stay until there are `full` of them."""

    def __init__(self, full: int) -> None:
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._changed, self._full = Condition(), full

    def __call__(self, request: ModelRequest) -> Answer:
        who = request.messages[0].text
        with self._changed:
            self.now[who] += 1
            self.now["all"] += 1
            self.most |= self.now
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most["all"] >= self._full, timeout=60)
        sleep(0.01)
        with self._changed:
            self.now[who] -= 1
            self.now["all"] -= 1
        return say("done")


@workflow
async def crowd(number: int) -> int:
    agents = Agent("openai:big", "big"), Agent("openai:small", "small")
    return len(await gather(agents[at % 2](f"number {at}") for at in range(number)))


@pytest.mark.capability(43)
async def test_a_provider_never_has_more_at_once_than_allowed_over_all_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider(flight := Flight(3)) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        limits = {"openai": "3 at once", "openai:big": "1 at once, 10000 requests"}
        async with App([crowd], db=":memory:", limits=limits) as app:
            jobs = [await app.start(crowd, 8) for _ in range(3)]
            assert [await job for job in jobs] == [8, 8, 8]
        assert len(fake.received) == 24
    assert (flight.most["all"], flight.most["big"]) == (3, 1)


@pytest.mark.capability(43)
def test_what_fails_gives_its_place_to_the_next() -> None:
    model = ScriptedModel([fail(400), fail(400), say("third")], name="busy:one")

    @workflow
    async def thrice() -> list[str]:
        found = await gather((Agent(model)(str(at)) for at in range(3)), on_error="collect")
        return [one.value if one.ok else "failed" for one in found]

    assert start(thrice, db=":memory:", limits={"busy": "1 at once"}).output == ["failed", "failed", "third"]


PROGRAM = """
from stretto import Agent, gather, workflow

@workflow
async def crowd(goal):
    return len(await gather(Agent("openai:x", "big")(str(at)) for at in range(8)))
"""


@pytest.mark.capability(43)
@pytest.mark.parametrize("way", ["option", "file"])
def test_the_command_line_keeps_the_limit_too(way: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    if way == "file":
        (tmp_path / "stretto.toml").write_text("[limits]\nopenai = '2 at once'\n")
    option = ["--limit", "openai=2 at once"] if way == "option" else []
    source = str(Path(__file__).parents[2] / "src")
    with FakeProvider(flight := Flight(2)) as fake:
        done = subprocess.run(
            [sys.executable, "-m", "stretto", "run", "app.py:crowd", "go", *option],
            cwd=tmp_path, env={"PYTHONPATH": source, **fake.environment}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "8"), done.stderr
    assert flight.most["all"] == 2


def test_a_replay_finds_the_models_that_the_run_had(tmp_path: Path) -> None:
    job = start(Agent("light", name="a"), "hello", db=str(tmp_path / "runs.db"), models={"light": "test:"}, id="r")
    again = App([Agent("light", name="a")], db=str(tmp_path / "runs.db")).get("r")
    assert again.replay() == job.output == "hello"
