"""What a model sees: what its worker was given, and nothing else, in any script, through every hop."""

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, App, Orchestrator, UsageError, WorkerFailed, parallel, pipeline, tool, workflow
from stretto.orchestrator.plan import Plan, PlannedTask
from stretto.testing import ScriptedModel, call, say

SCRIPTS = {
    "Japanese": "吾輩は猫である。名前はまだ無い。ｶﾞｷﾞ 𠮷野家",
    "Arabic": "مرحبًا بالعالم، ١٢٣ ﷺ",
    "Hebrew": "שָׁלוֹם עוֹלָם \u200f(abc)\u200e",
    "Hindi": "नमस्ते दुनिया, क्षत्रिय",
    "emoji": "👩‍👩‍👧🏽 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇯🇵 ❤️ 🫠",
    "combining": "e\u0301 a\u030a\u0323 Z\u0351\u036b\u0343",
    "both ways": "abc \u202eevil\u202c אבג 123 \u2066x\u2069",
    "spaces": "a\u00a0b\u2009c\u3000d\ufeff\t\r\ne\u2028f",
    "not normalised": "ﬁ Å \u212b ① Ⅷ",
}
ALL = "\n".join(SCRIPTS.values())


def texts(model: ScriptedModel) -> str:
    return json.dumps([[m.__json__() for m in request.messages] for request in model.requests], ensure_ascii=False)


# ---- only what was given


@pytest.mark.capability(21, 69)
async def test_a_marker_given_to_one_worker_never_reaches_another() -> None:
    models = {name: ScriptedModel(lambda request: say("done")) for name in "abc"}
    a, b, c = (Agent(model, f"You are {name}.", name=name) for name, model in models.items())

    def plan(brief: Any) -> Plan:
        return Plan(
            (
                PlannedTask("one", "Do one.", "a", inputs={"note": "MARK-A-123"}),
                PlannedTask("two", "Do two.", "b", inputs={"note": "MARK-B-456"}),
                PlannedTask("three", "Do three.", "c", after=("two",)),
            )
        )

    async with App(db=":memory:") as app:
        await (
            await app.start(Orchestrator(planner=plan, workers=[a, b, c], reviewer=_fine, integrator=_joined), "GOAL-9")
        )
    seen = {name: texts(model) for name, model in models.items()}
    assert "MARK-A-123" in seen["a"]
    assert "MARK-A-123" not in seen["b"] + seen["c"]
    assert "MARK-B-456" not in seen["a"] + seen["c"]
    assert "GOAL-9" not in "".join(seen.values()), "a worker gets its task's goal"


def _fine(goal: str) -> dict[str, Any]:
    return {"ok": True, "reason": ""}


def _joined(results: dict[str, Any]) -> str:
    return "all"


@pytest.mark.capability(21)
async def test_an_agents_own_turns_stay_its_own() -> None:
    @tool
    async def secret() -> str:
        return "MARK-TOOL-77"

    inner_model = ScriptedModel(
        lambda request: say("MARK-INNER-5") if request.messages[-1].role == "tool" else call("secret")
    )
    inner = Agent(inner_model, "Inner, MARK-INSTRUCTIONS-3.", name="inner", tools=[secret])
    outer_model = ScriptedModel(
        lambda request: say("done") if request.messages[-1].role == "tool" else call("inner", input="go")
    )
    outer = Agent(outer_model, "Outer, MARK-OUTER-4.", name="outer", tools=[inner])
    beside = ScriptedModel(lambda request: say("beside"))
    async with App(db=":memory:") as app:
        await (await app.start(parallel(outer, Agent(beside, "Beside.", name="beside")), "go"))
    assert "MARK-INNER-5" in texts(outer_model)
    assert not any(mark in texts(outer_model) for mark in ("MARK-TOOL-77", "MARK-INSTRUCTIONS-3"))
    assert "MARK-OUTER-4" not in texts(inner_model)
    assert "MARK" not in texts(beside)


@dataclass
class Trip:
    goal: str
    city: str
    days: int = 2


@pytest.mark.capability(69)
async def test_a_worker_gets_the_fields_that_it_declares_and_no_others() -> None:
    model = ScriptedModel(lambda request: say("ok"))
    trips = Agent(model, "Plan trips.", name="trips", input=Trip)
    plan = Plan((PlannedTask("one", "See it.", "trips", inputs={"city": "京都", "secret": "MARK-1", "days": 3}),))
    async with App(db=":memory:") as app:
        await (await app.start(Orchestrator(planner=lambda _: plan, workers=[trips]), "go"))
    given = json.loads(model.requests[0].messages[-1].text)
    assert given == {"goal": "See it.", "city": "京都", "days": 3}
    assert model.requests[0].messages[-1].text.count(" ") == 1, "compact"


@pytest.mark.capability(70)
async def test_a_missing_field_stops_before_any_model_call_and_is_named() -> None:
    model = ScriptedModel(lambda request: say("ok"))
    trips = Agent(model, "Plan trips.", name="trips", input=Trip)
    async with App(db=":memory:") as app:
        with pytest.raises((UsageError, WorkerFailed), match=r"trips cannot begin.*city"):
            await (await app.start(trips, {"goal": "See it."}))
        plan = Plan((PlannedTask("one", "See it.", "trips", inputs={"days": 3}),))
        with pytest.raises((UsageError, WorkerFailed), match="city"):
            await (await app.start(Orchestrator(planner=lambda _: plan, workers=[trips]), "go"))
        with pytest.raises((UsageError, WorkerFailed), match="days"):
            await (await app.start(trips, {"goal": "See it.", "city": "Kyoto", "days": "many"}))
    assert model.requests == []


@dataclass
class Notes:
    facts: list[str]
    sure: float


@pytest.mark.capability(68)
async def test_results_between_workers_are_checked_objects_in_the_journal() -> None:
    reader = Agent(ScriptedModel([say({"facts": ["a"], "sure": 0.5})]), "Read.", name="reader", output=Notes)
    heard = ScriptedModel(["ok"])
    async with App(db=":memory:") as app:
        job = await app.start(pipeline(reader, Agent(heard, "Write.", name="writer", input=Notes)), "go")
        await job
        finished = [row.event().output for row in (await job.refresh()).events if row.kind == "task_finished"]  # type: ignore[attr-defined]
    assert finished[0] == {"facts": ["a"], "sure": 0.5}
    assert heard.requests[0].messages[-1].text == '{"facts":["a"],"sure":0.5}'
    wrong = Agent(ScriptedModel([say({"facts": "a"})] * 2), "Read.", name="reader", output=Notes)
    async with App(db=":memory:") as app:
        with pytest.raises(WorkerFailed, match="sure"):
            await (await app.start(pipeline(wrong, Agent(heard, name="writer")), "go"))
    assert len(heard.requests) == 1, "what does not fit goes no further"


# ---- every script


@pytest.mark.capability(142)
@pytest.mark.parametrize("script", SCRIPTS)
async def test_every_script_passes_through_every_hop_unchanged(script: str, tmp_path: Path) -> None:
    text, seen, broken = SCRIPTS[script], list[str](), [True]

    @tool
    async def echo(text: str) -> dict[str, str]:
        """Give it back."""
        seen.append(text)
        return {"text": text}

    def first(request: Any) -> Any:
        if request.messages[-1].role == "tool":
            return say(json.loads(request.messages[-1].parts[0].content)["text"])
        return call("echo", text=request.messages[-1].text)

    def second(request: Any) -> Any:
        if broken:
            raise RuntimeError("the process is not well")
        return say({"heard": request.messages[-1].text})

    one, two = ScriptedModel(first), ScriptedModel(second)
    chain = pipeline(Agent(one, text, name="one", tools=[echo]), Agent(two, name="two", output=dict[str, str]))

    @workflow
    async def hops(given: str) -> str:
        return str((await chain(given))["heard"])

    db = str(tmp_path / "runs.db")
    async with App([hops], db=db) as app:
        with pytest.raises(WorkerFailed):
            await (await app.start(hops, text, id="r"))
    broken.clear()
    async with App([hops], db=db) as app:
        job = await app.get("r")
        await job.resume()
        output = await job
    async with App([hops], db=db) as app:
        assert (await app.get("r")).output == text
    assert [output, *seen] == [text, text]
    assert one.requests[0].messages[0].text == one.requests[0].messages[1].text == text
    assert two.requests[-1].messages[-1].text == text


@pytest.mark.capability(142)
async def test_no_cut_splits_a_visible_character() -> None:
    family = "👩‍👩‍👧🏽e\u0301क्षि"

    @tool
    async def much() -> str:
        return family * 5_000

    model = ScriptedModel(
        lambda request: say("done") if request.messages[-1].role == "tool" else call("much"), window=8_000
    )
    async with App(db=":memory:") as app:
        await (await app.start(Agent(model, tools=[much]), "go"))
    kept = model.requests[1].messages[-1].parts[0].content.split("\n\n[Cut here")[0]  # type: ignore[union-attr]
    rest = family[len(kept) % len(family) :]
    assert kept
    assert not unicodedata.combining(rest[0])
    assert "\u200d" not in (kept[-1], rest[0])
    assert rest[0] != "🏽"
