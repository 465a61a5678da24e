"""An agent works on for longer than its model's window: old turns are summarised, kept, and found again."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, App, Compaction, ContextOverflow, UsageError, WorkerFailed, tool
from stretto.core.canonical import decode
from stretto.core.errors import ModelError
from stretto.core.events import Decided, Ref, Row
from stretto.core.messages import ModelReply, ModelRequest, ToolResult, Usage, unlink
from stretto.models.tokens import likely_message
from stretto.testing import FakeProvider, ScriptedModel, call, calls, say, simulate
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


async def test_the_last_turn_stays_whole_where_there_is_room_for_nothing_else() -> None:
    model = ScriptedModel(looks(12), window=WINDOW)
    told = INSTRUCTIONS + " Be careful with the lids." * 330
    await outcome(Agent(model, told, name="explorer", tools=[look], max_turns=100))
    asked = [request for request in model.requests if not sums_up(request)]
    assert all(is_whole(request.messages) for request in asked)
    assert min(len(request.messages) for request in asked[5:]) <= 5
    assert max(map(counted, model.requests)) <= WINDOW


@pytest.mark.torture
@pytest.mark.capability(65, 102)
def test_a_crash_at_every_point_and_power_cuts_change_nothing() -> None:
    def play(*crash_at: int, **trouble: Any) -> tuple[Any, int]:
        with simulate(1, crash_at=crash_at, **trouble) as sim:
            return sim.run(explorer(34)[0], GOAL), len(sim.sites)

    output, sites = play()
    for site in range(1, sites):
        assert play(site)[0] == output, site
    for seed in range(200):
        crashes = random.Random(seed).sample(range(1, sites), 4)
        assert play(*crashes, power_cuts=True)[0] == output, crashes


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


@pytest.mark.capability(66, 67)
async def test_a_long_talk_is_compacted_too_and_later_turns_find_what_was_said() -> None:
    def script(request: ModelRequest) -> Any:
        last = request.messages[-1]
        if sums_up(request):
            return say("They talked about many things.")
        if "what was the code" in last.text:
            return call("recall_earlier", query="code of the safe")
        return say(last.parts[0].content if isinstance(last.parts[0], ToolResult) else f"Noted. {'Well, well. ' * 30}")

    model = ScriptedModel(script, window=WINDOW)
    async with App(db=":memory:") as app:
        job = await app.start(Agent(model, INSTRUCTIONS, name="talker"), "Hello. " + GOAL)
        await job
        await job.say("The code of the safe is 8-15-42.")
        for number in range(40):
            await job.say(f"Thing {number}: {'this and that. ' * 20}")
        assert "8-15-42" in await job.say("By the way, what was the code?")
    asked = [request for request in model.requests if not sums_up(request)]
    assert len(asked) < len(model.requests)
    assert all(request.messages[1].text == "Hello. " + GOAL for request in asked)
    assert max(map(counted, model.requests)) <= WINDOW


@pytest.mark.capability(66)
async def test_an_agent_that_takes_over_finds_what_was_taken_out_before() -> None:
    def first(request: ModelRequest) -> Any:
        return looks(40, lambda _: call("transfer_to_closer", reason="all seen"))(request)

    def last(request: ModelRequest) -> Any:
        found = request.messages[-1].parts[0]
        return say(found.content) if isinstance(found, ToolResult) else call("recall_earlier", query="key in box 3")

    closer = Agent(ScriptedModel(last, window=WINDOW), "You close.", name="closer")
    model = ScriptedModel(first, window=WINDOW)
    agent = Agent(model, INSTRUCTIONS, name="explorer", tools=[look], max_turns=100, handoffs=[closer])
    output, _, _ = await outcome(agent)
    assert KEY_3 in output


async def test_a_window_that_no_list_knows_can_be_told() -> None:
    model = ScriptedModel(looks(40))
    output, _, (decided, _) = await outcome(explorer(40, model, compaction=Compaction(window=WINDOW))[0])
    assert KEY_3 in output
    assert decided[0][1]["window"] == WINDOW
    assert max(map(counted, model.requests)) <= WINDOW
    with pytest.raises(UsageError, match="window=0 holds nothing"):
        Compaction(window=0)


@pytest.mark.capability(64, 65, 138)
async def test_a_providers_own_count_stays_within_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider(looks(45)) as fake:
        for variable, value in fake.environment.items():
            monkeypatch.setenv(variable, value)
        agent = Agent("openai:gpt-4", INSTRUCTIONS, name="explorer", tools=[look], max_turns=100)
        output, _, (decided, _) = await outcome(agent)
        bodies = [json.loads(one.body) for one in fake.received]
    assert KEY_3 in output
    assert next(value["window"] for event, value in decided if event == "overflow") == 8_192, "as the list has it"
    assert max(usage.input + usage.output for usage in fake.bills) <= 8_192
    last = json.dumps(bodies[-1], ensure_ascii=False)
    assert INSTRUCTIONS in last
    assert GOAL in last


class Narrow(ScriptedModel):
    """A model that nobody knows the window of: it refuses what is longer, as a provider does."""

    async def reply(self, request: ModelRequest, watch: Any = None) -> ModelReply:
        if (size := counted(request)) > 3_000:
            raise ModelError(f"This model's maximum context length is 3000 tokens; you sent {size}", status=400)
        return await super().reply(request, watch)


@pytest.mark.capability(65, 138)
def test_what_a_provider_refuses_as_too_long_is_compacted_and_sent_again() -> None:
    def play(*crash_at: int, **properties: Any) -> tuple[Any, int, list[str]]:
        agent, _ = explorer(40, Narrow(looks(40)), **properties)
        with simulate(1, crash_at=crash_at) as sim:
            output = sim.run(agent, GOAL)
            kinds = [row.event().name for row in sim.events if row.kind in ("decided", "step_failed")]  # type: ignore[attr-defined]
            return output, len(sim.sites), kinds

    output, sites, kinds = play()
    assert KEY_3 in output
    assert kinds[:3] == ["test:scripted", "overflow", "compaction"]
    for site in range(sites // 3, sites, 13):
        assert play(site)[0] == output
    with pytest.raises(WorkerFailed, match="maximum context length is 3000"):
        play(compaction=False)
