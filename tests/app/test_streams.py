"""What models say, while they say it: to one listener or many, to a late one and to a slow one, and afterwards."""

import asyncio
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Sequence

import pytest

import stretto
from stretto import Agent, App, Part, gather, tool, workflow
from stretto.core.messages import Delta, ModelReply, ModelRequest
from stretto.testing import FakeProvider, ScriptedModel, call, calls, fail
from tests.app.talkers import parrot
from tests.models.virtual import in_virtual_time

pytestmark = pytest.mark.capability(202)
WORDS = "one two three four five"


def text(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts)


@tool
def look(what: str) -> str:
    """Look something up."""
    return f"saw {what}"


async def test_words_and_calls_come_while_the_model_speaks_and_the_same_afterwards(db: str) -> None:
    script = ScriptedModel([call("look", what="there"), WORDS], latency=0.2)
    agent = Agent(script, name="speaker", tools=[look])
    async with App([agent], db=db) as app:
        job = await app.start(agent, "go")
        heard = [part async for part in job.stream()]
        assert text(heard) == await job == WORDS
        assert [(part.tool, part.args) for part in heard if part.tool] == [("look", '{"what":"there"}')]
        assert [part.end for part in heard if part.end] == ["said", "said"]
        assert {part.worker for part in heard} == {"speaker"}
        assert {part.task for part in heard} == {job.tasks[0].key}
    asked = len(script.requests)
    async with App([agent], db=db) as app:
        again = [part async for part in (await app.get(job.id)).stream()]
        assert text(again) == WORDS
        assert [part.tool for part in again if part.tool] == ["look"]
        assert await (await app.get(job.id)).replay() == WORDS
    assert len(script.requests) == asked


@in_virtual_time
async def test_most_words_come_before_the_answer_is_there() -> None:
    agent = Agent(ScriptedModel([WORDS], latency=0.2), name="speaker")
    async with App([agent], db=":memory:") as app:
        job = await app.start(agent, "go")
        assert sum([job.state == "running" and bool(part.text) async for part in job.stream()]) >= 4


@in_virtual_time
async def test_who_comes_late_hears_what_is_being_said_from_its_beginning_where_models_always_stream() -> None:
    agent = Agent(ScriptedModel([WORDS], latency=0.3), name="speaker")
    async with App([agent], db=":memory:", stream=True) as app:
        job = await app.start(agent, "go")
        await asyncio.sleep(0.15)
        heard = [part async for part in job.stream()]
        assert text(heard) == WORDS
        assert len(heard) > 2


@in_virtual_time
async def test_many_listen_late_ones_hear_all_and_slow_ones_hold_nobody_up() -> None:
    agent = Agent(ScriptedModel([WORDS], latency=0.5), name="speaker")
    async with App([agent], db=":memory:") as app:
        job = await app.start(agent, "go")

        async def listen(stream: AsyncIterator[Part], late: float, slow: float) -> list[Part]:
            await asyncio.sleep(late)
            heard = []
            async for part in stream:
                heard.append(part)
                await asyncio.sleep(slow)
            return heard

        begun = asyncio.get_running_loop().time()
        first, slow = listen(job.stream(), 0, 0), listen(job.stream(), 0, 0.3)
        listeners = [asyncio.ensure_future(one) for one in (first, listen(job.stream(), 0.3, 0), slow)]
        await job
        assert asyncio.get_running_loop().time() - begun < 1
        told = await asyncio.gather(*listeners)
        assert [text(parts) for parts in told] == [WORDS] * 3
        assert len(told[2]) < len(told[0])  # the slow one was told in longer pieces


class Watched(ScriptedModel):
    """Remembers whether it was asked to stream."""

    streamed = False

    async def reply(self, request: ModelRequest, watch: object = None) -> ModelReply:
        self.streamed |= watch is not None
        return await super().reply(request)


async def test_nobody_streams_where_nobody_listens_and_a_model_that_cannot_gives_its_whole_text() -> None:
    model = Watched([WORDS, WORDS])
    agent = Agent(model, name="speaker")
    async with App([agent], db=":memory:") as app:
        await (await app.start(agent, "go"))
        assert not model.streamed
        heard = [part async for part in (await app.start(agent, "go")).stream()]
        assert model.streamed
        assert [part.text for part in heard] == [WORDS, ""]


async def test_nested_and_parallel_workers_are_heard_each_under_its_name() -> None:
    def answers(request: ModelRequest) -> str:
        return f"about {request.messages[-1].text}"

    agent = Agent(ScriptedModel(answers, latency=0.05), name="speaker")
    other = agent.using(name="other")

    @workflow
    async def both() -> list[str]:
        return await gather([agent("cats"), other("dogs")])

    async with App([both], db=":memory:") as app:
        job = await app.start(both)
        heard = [part async for part in job.stream()]
        said = {name: text([part for part in heard if part.worker == name]) for name in ("speaker", "other")}
        assert said == {"speaker": "about cats", "other": "about dogs"}
        assert len({part.message for part in heard}) == 2


class Breaks(ScriptedModel):
    """Says half of its first answer, then fails."""

    async def reply(self, request: ModelRequest, watch: object = None) -> ModelReply:
        if callable(watch) and not self.requests:
            watch(Delta("half of"))
        return await super().reply(request, watch)  # type: ignore[arg-type]


async def test_what_a_model_said_before_it_failed_is_lost(db: str) -> None:
    agent = Agent(Breaks([fail(500, retry_after=0.01), WORDS]), name="speaker")
    async with App([agent], db=db) as app:
        job = await app.start(agent, "go")
        heard = [part async for part in job.stream()]
        lost = next(part.message for part in heard if part.end == "lost")
        assert text([part for part in heard if part.message == lost]) == "half of"
        assert text([part for part in heard if part.message != lost]) == WORDS
        assert text([part async for part in job.stream(after=-1)]) == WORDS


async def test_two_calls_of_one_message_are_told_apart() -> None:
    script = ScriptedModel([calls(call("look", what="a"), call("look", what="b")), "done"])
    agent = Agent(script, name="speaker", tools=[look])
    async with App([agent], db=":memory:") as app:
        heard = [part async for part in (await app.start(agent, "go")).stream()]
        assert [(part.call, part.args) for part in heard if part.tool] == [(0, '{"what":"a"}'), (1, '{"what":"b"}')]


@pytest.mark.parametrize("provider", ["openai", "openai-chat", "anthropic"])
async def test_deltas_of_a_provider_arrive_before_the_end(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider([call("look", what="there"), WORDS], pause=0.1) as fake:
        for name in ("OPENAI", "ANTHROPIC"):
            monkeypatch.setenv(f"{name}_API_KEY", "key-for-nobody")
            monkeypatch.setenv(f"{name}_BASE_URL", fake.url + ("/v1" if name == "OPENAI" else ""))
        agent = Agent(f"{provider}:gpt-5-mini", name="speaker", tools=[look])
        async with App([agent], db=":memory:") as app:
            job = await app.start(agent, "go")
            heard, early = [], 0
            async for part in job.stream():
                heard.append(part)
                early += job.state == "running"
            assert text(heard) == await job == WORDS
            assert "".join(part.args for part in heard if part.tool).replace(" ", "") == '{"what":"there"}'
            assert early > 2


async def test_a_turn_is_streamed_as_it_is_answered(db: str) -> None:
    agent = Agent(ScriptedModel(parrot, latency=0.1), name="speaker")
    async with App([agent], db=db) as app:
        job = await app.start(agent, id="c")
        for turn in range(1, 4):
            parts = [part async for part in job.stream(say=f"turn {turn}")]
            assert text(parts) == await job.reply() == f"{turn}: turn {turn}"
            assert len(parts) > 2
        assert text([part async for part in job.stream()]) == "3: turn 3"  # the turn that is over
        assert text([part async for part in job.stream(after=-1)]) == "1: turn 12: turn 23: turn 3"


async def test_a_run_of_another_process_is_streamed_from_the_journal(db: str) -> None:
    script = f"""
        from stretto import Agent, run
        from stretto.testing import ScriptedModel
        def answer(request):
            print("asked", flush=True)
            return "{WORDS}"
        run(Agent(ScriptedModel(answer, latency=0.6), name="speaker"), "go", id="r", db={db!r})
    """
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(stretto.__file__))}
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(script), env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"asked\n"
    async with App(db=db) as app, asyncio.timeout(20):
        assert text([part async for part in (await app.get("r")).stream()]) == WORDS
    assert await other.wait() == 0
