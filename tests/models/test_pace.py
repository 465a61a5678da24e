"""Limits of a minute are kept over all runs of an app, and what waits for them is not idle."""

import asyncio
import time as real
from collections import deque

import pytest

from stretto import Agent, App, UsageError, ask, gather, workflow
from stretto.core.messages import ModelRequest, Usage
from stretto.models.pace import LATE, LONGEST_PAUSE, Limit
from stretto.models.script import Answer, Fail
from stretto.testing import FakeProvider, ScriptedModel, fail, say
from tests.models.virtual import time, virtually

Times = list[tuple[float, int]]


def noting(times: Times, name: str = "busy:one", usage: Usage | None = None, latency: float = 0.0) -> ScriptedModel:
    """A model that remembers when it was asked."""

    def answer(request: ModelRequest) -> Answer:
        times.append((time(), usage.input + usage.output if usage else 0))
        return say("done", usage=usage)

    return ScriptedModel(answer, name=name, latency=latency, max_output=100)


def most_in_a_minute(times: Times) -> tuple[int, int]:
    """Calls and tokens of the fullest minute."""
    windows = [[tokens for at, tokens in times if begin <= at < begin + 60] for begin, _ in times]
    return max(map(len, windows)), max(map(sum, windows))


def ask_all(app: App, *agents: Agent) -> float:
    """Run all agents at once, each in a run of its own; how long it took."""

    async def all_of_them() -> float:
        async with app:
            jobs = [await app.start(agent, f"question {number}") for number, agent in enumerate(agents)]
            for job in jobs:
                assert await job == "done"
        return time()

    return virtually(all_of_them())


@pytest.mark.parametrize("latency", [0.0, 2.0, 200.0])
def test_no_minute_has_more_requests_than_the_limit(latency: float) -> None:
    times: Times = []
    agent = Agent(noting(times, latency=latency), name="asks")
    took = ask_all(App(db=":memory:", limits={"busy": "10 requests"}), *[agent] * 35)
    assert most_in_a_minute(times)[0] == 10
    assert len(times) == 35
    assert took <= 3 * (60 + LATE) + latency, "it is as fast as the limit allows"


def test_calls_that_reach_the_provider_late_count_from_then() -> None:
    times: Times = []

    async def answer(request: ModelRequest) -> Answer:
        await asyncio.sleep(3 if len(times) < 10 else 0)  # the first ones have to connect
        times.append((time(), 0))
        return say("done")

    agent = Agent(ScriptedModel(answer, name="busy:one"), name="asks")
    ask_all(App(db=":memory:", limits={"busy": "10 requests"}), *[agent] * 25)
    assert most_in_a_minute(times)[0] == 10


def test_no_minute_has_more_tokens_than_the_limit() -> None:
    times: Times = []
    agent = Agent(noting(times, usage=Usage(20, 50), latency=1), name="asks")
    took = ask_all(App(db=":memory:", limits={"busy": "100 requests, 1_000 tokens"}), *[agent] * 35)
    assert 900 < most_in_a_minute(times)[1] <= 1_000
    assert took < 200, "what a call really used is what counts once it is known"


def test_a_call_larger_than_the_limit_is_made_alone() -> None:
    times: Times = []
    agent = Agent(noting(times, latency=1), name="asks")
    ask_all(App(db=":memory:", limits={"busy": "1 tokens"}), agent, agent)
    assert times[1][0] - times[0][0] >= 1


def test_a_model_can_have_a_limit_beside_its_providers() -> None:
    small: Times = []
    large: Times = []
    app = App(db=":memory:", limits={"busy": "10 requests", "busy:large": "2 requests"})
    agents = [Agent(noting(large, "busy:large"), name="large"), Agent(noting(small, "busy:small"), name="small")]
    ask_all(app, *agents * 8)
    assert most_in_a_minute(large)[0] == 2
    assert most_in_a_minute(sorted(small + large))[0] == 10
    assert small[-1][0] < 60, "the small model does not wait for the large one"


def test_retry_after_pauses_the_whole_provider() -> None:
    times: Times = []

    def answer(request: ModelRequest) -> Answer | Fail:
        times.append((time(), 0))
        return fail(429, retry_after=30) if len(times) == 1 else say("done")

    model, other = ScriptedModel(answer, name="busy:one"), noting(others := Times(), "calm:one")

    @workflow
    async def asks() -> list[str]:
        asked = Agent(model, name="asks")
        await Agent(other, name="calm")("now")
        return await gather(asked("first"), _later(asked))

    async def _later(agent: Agent) -> str:
        await asyncio.sleep(5)
        await Agent(other, name="calm")("meanwhile")
        return await agent("second")

    async def alone() -> None:
        assert await asks() == ["done", "done"]

    virtually(alone())
    assert times[0][0] == 0
    assert all(30 <= at < 32 for at, _ in times[1:])
    assert [at for at, _ in others] == [0, 5], "another provider is not paused"


def test_a_provider_that_wants_a_long_rest_is_not_waited_for() -> None:
    model = ScriptedModel([fail(429, retry_after=LONGEST_PAUSE + 10), say("never")], name="busy:one")

    async def twice() -> list[str]:
        async with App(db=":memory:") as app:
            jobs = [await app.start(Agent(model, name="asks"), text) for text in ("a", "b")]
            return [str(error) for job in jobs for error in await asyncio.gather(job, return_exceptions=True)]

    first, second = virtually(twice())
    assert "429" in first
    assert "busy:one was not asked: its provider asked to be left alone for 310 s more" in second
    assert len(model.requests) == 1


def test_what_waits_for_its_turn_is_in_flight() -> None:
    times: Times = []
    agent = Agent(noting(times), name="asks")

    @workflow
    async def asks_and_is_paced() -> list[str]:
        return await gather(agent("one"), agent("two"), ask("which?"))

    async def states() -> tuple[str, int, str]:
        async with App(db=":memory:", limits={"busy": "1 requests"}) as app:
            job = await app.start(asks_and_is_paced)
            await asyncio.sleep(30)
            before = (await job.refresh()).state
            await app.settled(job.id)
            return str(before), len(times), str((await job.refresh()).state)

    assert virtually(states()) == ("running", 2, "waiting")


@pytest.mark.capability(208)
def test_a_server_with_a_limit_sees_no_429_at_full_load(monkeypatch: pytest.MonkeyPatch) -> None:
    limit, refused, window = Limit(requests=8, seconds=0.4), [0], [0.4]
    seen: deque[float] = deque()

    def answer(request: ModelRequest) -> Answer | Fail:
        now = real.monotonic()
        while seen and seen[0] <= now - window[0]:
            seen.popleft()
        seen.append(now)
        refused[0] += len(seen) > limit.requests  # type: ignore[operator]
        return fail(429, retry_after=0.1) if refused[0] == 1 else say("done")

    async def load(limits: dict[str, Limit], retry: int, number: int = 30) -> None:
        async with App(db=":memory:", model="openai:gpt-5-mini", limits=limits) as app:
            jobs = [await app.start(Agent(name="asks", retry=retry), f"question {at}") for at in range(number)]
            await asyncio.gather(*jobs, return_exceptions=True)

    with FakeProvider(answer) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        asyncio.run(load({}, retry=1, number=1))  # imports the SDK, which takes a busy machine longer than `LATE`
        seen.clear()
        asyncio.run(load({"openai": limit}, retry=2))
        assert refused[0] == 0
        assert len(fake.received) == 1 + 30
        window[0] = 60  # however slow the machine is
        asyncio.run(load({}, retry=1))
        assert refused[0] > 0, "without a pace the server refuses, otherwise the test shows nothing"


@pytest.mark.parametrize("text", ["", "fast", "5", "5 requests, 6 requests", "0 requests", "5 requests,"])
def test_a_limit_that_is_not_understood_is_explained(text: str) -> None:
    with pytest.raises(UsageError, match="write what a minute allows like '500 requests, 200000 tokens'"):
        App(db=":memory:", limits={"busy": text})


def test_limits_are_parsed() -> None:
    assert Limit.parse("500 requests, 200_000 tokens") == Limit(500, 200_000)
    assert Limit.parse("1 request") == Limit(1)
    assert Limit.parse(Limit(tokens=3)) == Limit(tokens=3)


@pytest.mark.capability(43)
def test_a_limit_that_is_a_number_is_calls_at_once() -> None:
    assert Limit.parse(2) == Limit.parse("2 at once")
