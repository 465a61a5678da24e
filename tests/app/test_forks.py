"""A fork does anew what differs, and all that rests on it; the rest is reused and not paid."""

from collections.abc import Iterator

import pytest

from stretto import Agent, App, Run, UsageError, gather, pipeline, start, workflow
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer
from stretto.runtime.worker import Worker
from stretto.testing import FakeProvider, ScriptedModel, say


def signed(request: ModelRequest) -> Answer:
    return say(f"{request.messages[0].text} {request.messages[1].text}")


def made(research: str) -> Worker[str, list[str]]:
    """Two nested tasks, each of a worker that names its model and of one that does not."""
    finder = Agent(None, research, name="research")
    writer = Agent("openai:gpt-5-mini", "Write:", name="write")

    @workflow
    async def find(topic: str) -> str:
        return await finder(topic)

    @workflow
    async def part(topic: str) -> str:
        return await writer(topic)

    @workflow
    async def whole(topic: str) -> list[str]:
        return await gather(find(f"{topic} 1"), part(f"{topic} 2"))

    return whole


def asked(fake: FakeProvider, since: int) -> list[str]:
    return sorted(request.model for request in fake.received[since:])


async def whole_run(app: App) -> Run:
    job = await app.start(made("Find:"), "tea")
    assert await job == ["Find: tea 1", "Write: tea 2"]
    return job


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    monkeypatch.setenv("STRETTO_MODEL", "openai:gpt-5-nano")
    with FakeProvider(signed) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.mark.capability(183)
async def test_a_changed_prompt_deep_inside_is_asked_anew_and_its_siblings_are_reused(fake: FakeProvider) -> None:
    async with App(db=":memory:") as app:
        job = await whole_run(app)
        fork = await job.fork(at=1, worker=made("Look for:"))
        assert await fork == ["Look for: tea 1", "Write: tea 2"]
    assert asked(fake, 2) == ["gpt-5-nano"], "only what differs is paid"


@pytest.mark.capability(183)
async def test_another_model_is_asked_by_all_workers_behind_the_fork(fake: FakeProvider) -> None:
    async with App(db=":memory:") as app:
        job = await whole_run(app)
        await (await job.fork(at=1, worker=made("Find:"), model="openai:gpt-4.1"))
        assert asked(fake, 2) == ["gpt-4.1", "gpt-4.1"]
        last = job.events[-1].seq - 1
        await (await job.fork(at=last, worker=made("Find:"), model="openai:gpt-4.1"))
        assert len(fake.received) == 4, "what was answered before the fork is a fact"


@pytest.mark.capability(183)
async def test_a_fork_that_changes_nothing_pays_nothing(fake: FakeProvider) -> None:
    async with App(db=":memory:") as app:
        job = await whole_run(app)
        assert await (await job.fork(at=1, worker=made("Find:"))) == ["Find: tea 1", "Write: tea 2"]
    assert len(fake.received) == 2


@pytest.mark.capability(183)
async def test_what_a_fork_did_not_pay_again_is_shown(fake: FakeProvider) -> None:
    async with App(db=":memory:") as app:
        job = await whole_run(app)
        assert "fork" not in job.why()
        fork = await job.fork(at=1, worker=made("Look for:"))
        await fork
        told = (await fork.refresh()).why()["fork"]
        assert (told["of"], told["at"], told["tasks"]) == (job.id, 1, ["part"])
        assert told["saved"]["calls"] == 1
        assert job.cost.usd > 0 < float(told["saved"]["usd"]) < job.cost.usd

        last = await job.fork(at=job.events[-1].seq - 1)
        await last
        assert (await last.refresh()).cost.calls == 0, "facts cost a fork nothing"
        assert last.why()["fork"]["saved"]["usd"] == str(job.cost.usd)


@pytest.mark.capability(183)
def test_a_model_that_a_fork_is_given_stands_for_models_that_workers_were_given() -> None:
    first, second = ScriptedModel(lambda request: say("one")), ScriptedModel(lambda request: say("two"))
    job = start(pipeline(Agent(first, name="a"), Agent(first, name="b")), "tea", db=":memory:")
    assert job.fork(at=0, model=second).output == "two"
    assert (len(first.requests), len(second.requests)) == (2, 2)
    with pytest.raises(UsageError, match="no step 'b' in this run"):
        job.fork(at="b")  # type: ignore[arg-type]
