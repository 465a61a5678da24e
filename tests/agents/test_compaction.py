"""An agent works on for longer than its model's window: old turns are summarised, kept, and found again."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, App, Compaction, ContextOverflow, UsageError, WorkerFailed, tool
from stretto.core.canonical import decode
from stretto.core.events import Decided, Ref, Row
from stretto.core.messages import ModelRequest, ToolResult, Usage, unlink
from stretto.models.tokens import likely_message
from stretto.testing import ScriptedModel, call, calls, say, simulate
from tests.agents.windows import GOAL, INSTRUCTIONS, WINDOW, counted, explorer, is_whole, look, looks, sums_up

KEY_3 = f"K-{3 * 7919}"


async def outcome(worker: Any, value: Any = GOAL) -> tuple[Any, list[Row], Any]:
    """Output, events and the store's blobs of a run in memory."""
    async with App(db=":memory:") as app:
        job = await app.start(worker, value)
        output = await job
        rows = (await job.refresh()).events
        decided = {row.seq: await _value(app, row.event().value) for row in rows if isinstance(row.event(), Decided)}  # type: ignore[attr-defined]
        named = [(row.event().name, decided[row.seq]) for row in rows if row.seq in decided]  # type: ignore[attr-defined]
        chain = {
            digest: unlink(await app.store.blob(digest))[1]
            for name, value in named
            if name == "compaction"
            for digest in (*value["replaced"], value["summary"])
        }
        return output, rows, (named, chain)


async def _value(app: App, value: Any) -> Any:
    return decode(await app.store.blob(value.digest)) if isinstance(value, Ref) else value


async def failure(worker: Any, value: Any = GOAL) -> WorkerFailed:
    async with App(db=":memory:") as app:
        job = await app.start(worker, value)
        with pytest.raises(WorkerFailed) as caught:
            await job
        return caught.value


@pytest.mark.capability(65, 66, 67, 138)
async def test_five_hundred_turns_stay_within_a_window_of_8000() -> None:
    agent, model = explorer(500)
    output, _, (decided, _) = await outcome(agent)
    assert KEY_3 in output, "what was taken out is found again, word for word"
    asked = [request for request in model.requests if not sums_up(request)]
    assert len(asked) == 502
    assert max(map(counted, model.requests)) <= WINDOW
    assert max(sum(map(likely_message, request.messages)) for request in model.requests) <= WINDOW
    assert all(request.messages[0].text == INSTRUCTIONS and request.messages[1].text == GOAL for request in asked)
    assert all(is_whole(request.messages) for request in asked)
    assert 10 < sum(name == "compaction" for name, _ in decided) < 60


@pytest.mark.capability(67)
async def test_after_two_hundred_turns_the_first_instruction_is_the_same_byte_for_byte() -> None:
    agent, model = explorer(200)
    await outcome(agent)
    first, last = model.requests[0], model.requests[-1]
    assert [message.__json__() for message in last.messages[:2]] == [message.__json__() for message in first.messages]


@pytest.mark.capability(65)
async def test_the_journal_has_the_summary_and_what_it_replaced() -> None:
    agent, model = explorer(60)
    _, rows, (decided, chain) = await outcome(agent)
    compactions = [value for name, value in decided if name == "compaction"]
    overflow = next(value for name, value in decided if name == "overflow")
    assert (overflow["window"], overflow["model"]) == (WINDOW, model.name)
    assert overflow["tokens"] > 0.85 * overflow["room"]
    assert sum(row.kind == "step_done" and row.ident.startswith("model ") for row in rows) == len(model.requests)
    first = compactions[0]
    replaced = [chain[digest] for digest in first["replaced"]]
    before = next(request for request in model.requests if sums_up(request))
    sent = model.requests[model.requests.index(before) - 1].messages
    assert replaced == sent[2 : 2 + len(replaced)], "the digests lead to the very messages"
    after = model.requests[model.requests.index(before) + 1].messages
    assert chain[first["summary"]].text == after[2].text
    assert "Some boxes were looked into; each holds a key." in after[2].text
    assert f"{len(replaced)} earlier messages" in after[2].text
    assert (
        after[3 : 3 + first["kept"]]
        == sent[2 + len(replaced) :] + after[3 + len(sent) - 2 - len(replaced) : 3 + first["kept"]]
    )


@pytest.mark.capability(65)
async def test_what_is_summarised_is_given_as_material_with_nothing_missing() -> None:
    agent, model = explorer(30)
    await outcome(agent)
    request = next(request for request in model.requests if sums_up(request))
    assert request.tools == ()
    assert "K-7919" in request.messages[1].text
    assert '[1] assistant calls look({"box":1})' in request.messages[1].text


@pytest.mark.capability(65, 102)
def test_a_crash_anywhere_changes_nothing() -> None:
    def play(crash_at: tuple[int, ...] = ()) -> tuple[Any, list[Any], int]:
        agent, _ = explorer(40)
        with simulate(1, crash_at=crash_at) as sim:
            output = sim.run(agent, GOAL)
            decided = [row.event() for row in sim.events if row.kind == "decided"]
            return output, [(event.name, event.value) for event in decided], len(sim.sites)  # type: ignore[attr-defined]

    output, decided, sites = play()
    assert KEY_3 in output
    assert sum(name == "compaction" for name, _ in decided) >= 2
    for crash in [*range(60, sites, sites // 20), *random.Random(7).sample(range(1, sites), 6)]:
        assert play((crash, crash + 11))[:2] == (output, decided), f"a crash at site {crash}"


@pytest.mark.capability(65)
async def test_what_was_decided_holds_when_the_window_is_another_one(tmp_path: Path) -> None:
    broken = [True]

    def then(request: ModelRequest) -> Any:
        if broken:
            raise RuntimeError("the process is not well")
        return call("recall_earlier", query="key in box 3")

    db = str(tmp_path / "runs.db")
    agent, _ = explorer(45, ScriptedModel(looks(45, then), window=WINDOW))
    async with App([agent], db=db) as app:
        with pytest.raises(WorkerFailed):
            await (await app.start(agent, GOAL, id="r"))
    broken.clear()
    for window in (100_000, 6_000):
        agent, model = explorer(45, ScriptedModel(looks(45, then), window=window))
        async with App([agent], db=db) as app:
            job = await app.get("r")
            if job.state != "done":
                await job.resume()
            assert KEY_3 in await job
            assert window == 6_000 or len(model.requests) == 2, "nothing but what was missing is asked again"


@pytest.mark.capability(138)
async def test_with_compaction_off_it_fails_loudly() -> None:
    agent, model = explorer(60, compaction=False)
    error = await failure(agent)
    assert error.failure.kind == ContextOverflow.__name__
    assert f"the window of test:scripted ({WINDOW} tokens)" in str(error)
    assert "compaction=False forbids" in str(error)
    assert "map_reduce" in str(error)
    assert max(map(counted, model.requests)) <= WINDOW


@pytest.mark.capability(138)
@pytest.mark.parametrize("compaction", [True, False])
async def test_an_input_larger_than_the_window_is_refused_before_any_call(compaction: bool) -> None:
    model = ScriptedModel(["never"], window=WINDOW)
    error = await failure(Agent(model, "Read.", name="reader", compaction=compaction, retry=3), "word " * 20_000)
    assert error.failure.kind == ContextOverflow.__name__
    assert error.failure.attempts == 1
    assert "map_reduce" in str(error)
    assert model.requests == []


async def test_without_overflow_nothing_is_added() -> None:
    agent, model = explorer(5, ScriptedModel(looks(5, lambda _: say("done")), window=WINDOW))
    output, rows, (decided, _) = await outcome(agent)
    assert (output, decided) == ("done", [])
    assert [tool.name for tool in model.requests[-1].tools] == ["look"]
    assert not any(row.kind == "decided" for row in rows)


async def test_another_prompt_or_worker_may_summarise() -> None:
    model = ScriptedModel(looks(40), window=WINDOW)
    told: list[str] = []

    def short(turns: str) -> str:
        told.append(turns)
        return "本文: 箱の話"

    await outcome(explorer(40, model, compaction=Compaction(worker=short))[0])
    assert told
    assert any("本文: 箱の話" in message.text for message in model.requests[-1].messages)
    assert not any(map(sums_up, model.requests))
    asked = ScriptedModel(
        lambda request: say("kurz") if "Fasse" in request.messages[0].text else looks(40)(request), window=WINDOW
    )
    await outcome(explorer(40, asked, compaction=Compaction(prompt="Fasse es in {words} Wörtern zusammen."))[0])
    assert any(request.messages[0].text.startswith("Fasse es in 3") for request in asked.requests)


async def test_a_model_that_will_not_summarise_leaves_the_beginning_of_each_message() -> None:
    def script(request: ModelRequest) -> Any:
        return call("look", box=99) if sums_up(request) else looks(40)(request)

    model = ScriptedModel(script, window=WINDOW)
    output, _, (decided, _) = await outcome(explorer(40, model)[0])
    assert KEY_3 in output
    assert {value["by"] for name, value in decided if name == "compaction"} == {"excerpts"}


async def test_the_smallest_window_of_several_models_counts() -> None:
    large, small = ScriptedModel(looks(40)), ScriptedModel(looks(40), window=WINDOW)
    agent = Agent([large, small], INSTRUCTIONS, name="explorer", tools=[look], max_turns=100)
    await outcome(agent)
    assert max(map(counted, large.requests)) <= WINDOW


async def test_the_answer_has_room_too() -> None:
    agent, model = explorer(40, settings={"max_tokens": 3_000})
    await outcome(agent)
    assert max(map(counted, model.requests)) <= WINDOW - 3_000


async def test_a_tool_of_the_same_name_is_the_users_own() -> None:
    @tool
    async def recall_earlier(query: str) -> str:
        return f"mine: {query}"

    model = ScriptedModel(looks(40), window=WINDOW)
    agent = Agent(model, INSTRUCTIONS, tools=[look, recall_earlier], max_turns=100)
    output, _, _ = await outcome(agent)
    assert output == "mine: key in box 3"
    assert len({spec.name for spec in model.requests[-1].tools}) == len(model.requests[-1].tools)


async def test_several_calls_in_a_turn_stay_together() -> None:
    def script(request: ModelRequest) -> Any:
        if sums_up(request):
            return say("so far")
        found = [part.content for part in request.messages[-1].parts if isinstance(part, ToolResult)]
        box = int(found[-1].split()[1]) if found else 0
        return say("done") if box >= 60 else calls(*(call("look", box=box + step) for step in (1, 2, 3)))

    model = ScriptedModel(script, window=WINDOW)
    await outcome(explorer(0, model)[0])
    assert all(is_whole(request.messages) for request in model.requests)
    assert max(map(counted, model.requests)) <= WINDOW


@pytest.mark.parametrize(("at", "results"), [(0, 0.25), (1.5, 0.25), (0.9, 1)])
def test_shares_that_cannot_be_are_refused(at: float, results: float) -> None:
    with pytest.raises(UsageError, match="shares of the room"):
        Compaction(at=at, results=results)


async def test_the_summary_is_paid_for_by_the_agent() -> None:
    model = ScriptedModel(
        lambda request: say("so far", usage=Usage(1_000, 10)) if sums_up(request) else looks(40)(request), window=WINDOW
    )
    async with App(db=":memory:") as app:
        job = await app.start(explorer(40, model)[0], GOAL)
        await job
        assert job.cost.calls == len(model.requests)


def test_its_prompts_are_listed() -> None:
    prompts = json.dumps(explorer(1)[0].prompts)
    assert "You keep the memory of a long piece of work" in prompts
    assert "earlier messages were taken out" in prompts
