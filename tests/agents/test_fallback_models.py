"""A list of models: the next one answers where one cannot, and the journal has both tries."""

import pytest

from stretto import Agent, App
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer, Fail
from stretto.testing import FakeProvider, ScriptedModel, fail, say


def by_model(request: ModelRequest) -> Answer | Fail:
    return say("from the other one")


@pytest.mark.capability(96)
async def test_another_provider_answers_where_one_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider(lambda request: fail(400)) as down, FakeProvider(by_model) as there:
        for name, value in there.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{down.url}/v1")
        agent = Agent(["openai:gpt-5-mini", "anthropic:claude-sonnet-4-6"], name="writes")
        async with App(db=":memory:") as app:
            job = await app.start(agent, "Hi")
            assert await job == "from the other one"
            steps = [row.event() for row in (await job.refresh()).events if row.kind in ("step_done", "step_failed")]
    assert [(step.kind, step.name) for step in steps] == [  # type: ignore[attr-defined]
        ("step_failed", "openai:gpt-5-mini"),
        ("step_done", "anthropic:claude-sonnet-4-6"),
    ]
    assert (len(down.received), len(there.received)) == (1, 1)


async def test_the_last_models_error_is_the_agents() -> None:
    models = [ScriptedModel([fail(400)], name=f"frail:{name}") for name in ("one", "two")]
    async with App(db=":memory:") as app:
        with pytest.raises(Exception, match="frail:two failed with 400"):
            await (await app.start(Agent(models, name="writes"), "Hi"))
