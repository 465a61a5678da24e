"""Secrets of a process: where one turns up in a run, its name stands in its place, and nothing on disk has it."""

import os
from pathlib import Path

import pytest

from stretto import Agent, App, RunFailed, run, start, tool, workflow
from stretto.testing import FakeProvider, ScriptedModel, call, fail, say

KEY = 'sk-planted-"9f8e7d6c'  # with a character that JSON writes in another way


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("CRM_PASSWORD", "hunter2-hunter2")
    return tmp_path


def on_disk(home: Path) -> list[str]:
    """The files that hold what is planted, as such or as JSON."""
    planted = (b"9f8e7d6c", b"hunter2-hunter2")
    return [
        str(file) for file in home.rglob("*") if file.is_file() and any(one in file.read_bytes() for one in planted)
    ]


@tool
def headers(of: str) -> dict[str, str]:
    """What a careless tool gives."""
    return {"to": of, "authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}


@tool
def login(user: str) -> str:
    """What a careless library raises."""
    raise ConnectionError(f"{user}:{os.environ['CRM_PASSWORD']} was refused")


@workflow
async def careless(of: str) -> list[str]:
    found = await headers(of)
    try:
        await login(of)
    except ConnectionError as error:
        return [found["authorization"], str(error)]
    return []


@workflow
async def blunt(of: str) -> str:
    raise ValueError(f"{of} cannot use {os.environ['OPENAI_API_KEY']}")


@workflow
async def echo(of: str) -> str:
    return f"{of} {os.environ['OPENAI_API_KEY']}"


@pytest.mark.capability(133)
def test_what_tools_give_and_raise_has_names_in_place_of_secrets(home: Path) -> None:
    job = start(careless, "ada", db=str(home / "runs.db"))
    assert job.output == ["Bearer [OPENAI_API_KEY]", "ada:[CRM_PASSWORD] was refused"]
    assert on_disk(home) == []
    assert job.replay() == job.output, "the run itself met the names, so it goes the same way again"


@pytest.mark.capability(133)
def test_what_a_worker_is_given_gives_and_fails_with_has_them_too(home: Path) -> None:
    db = str(home / "runs.db")
    assert run(echo, f"is it {KEY}?", db=db, id="e") == "is it [OPENAI_API_KEY]? [OPENAI_API_KEY]"
    assert run(echo, f"is it {KEY}?", db=db, id="e") == "is it [OPENAI_API_KEY]? [OPENAI_API_KEY]", "the same input"
    with pytest.raises(RunFailed, match=r"ada cannot use \[OPENAI_API_KEY\]"):
        run(blunt, "ada", db=db)
    assert on_disk(home) == []


@pytest.mark.capability(133)
async def test_a_providers_key_is_nowhere_on_disk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = str(home / "runs.db")
    with FakeProvider([say("Hello."), fail(401)]) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OPENAI_API_KEY", KEY.replace('"', "-"))
        greeter = Agent("openai:gpt-5-mini", "You greet.", name="greeter")
        async with App([greeter], db=db) as app:
            assert await (await app.start(greeter, "Hi")) == "Hello."
            with pytest.raises(RunFailed):
                await (await app.start(greeter, "Hi again"))
        assert KEY.replace('"', "-") in fake.received[0].headers["authorization"], "the provider was given it"
    assert on_disk(home) == []


def test_short_values_and_other_variables_stay(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_TOKEN", "Oslo")
    monkeypatch.setenv("FAVOURITE", "Turku-Turku-Turku")

    @workflow
    async def tell(of: str) -> str:
        return of

    assert run(tell, "Oslo Turku-Turku-Turku", db=":memory:") == "Oslo Turku-Turku-Turku"


@pytest.mark.capability(133)
def test_what_a_model_says_has_them_too_and_stays_the_same_in_the_next_turn(home: Path) -> None:
    model = ScriptedModel([call("headers", of=f"key {KEY}"), say(f"Your key is {KEY}."), say("So it is.")])
    agent = Agent(model, name="careless", tools=[headers])
    job = start(agent, "Hello", id="a", db=str(home / "runs.db"))
    assert job.output == "Your key is [OPENAI_API_KEY]."
    assert start(agent, "Hello", id="a", db=str(home / "runs.db")).say("Really?") == "So it is."
    assert KEY not in str(model.requests[-1].messages)
    assert on_disk(home) == []
