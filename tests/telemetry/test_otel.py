"""Spans in a collector that speaks the protocol: names, parents, times, tokens, costs and errors."""

import asyncio
import json
import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from stretto import Agent, App, OpenTelemetry, Run, RunFailed, UsageError, gather, start, tool, traceparent, workflow
from stretto.core.messages import Rates
from stretto.testing import ScriptedModel, call, fail, say
from tests.telemetry import child
from tests.telemetry.collector import Collector, attributes

RATES = Rates(input=Decimal(1), output=Decimal(2))
headers: list[str] = []


@tool
async def search(query: str) -> str:
    """Search."""
    headers.append(traceparent())
    return f"about {query}"


@tool(risk="high", effect="once")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@tool
async def lost(query: str) -> str:
    """Find nothing."""
    raise KeyError(query)


def researcher(**more: Any) -> Agent[str]:
    model = ScriptedModel([call("search", query="cars"), say("Cars.")], name="openai:gpt-5-mini", rates=RATES)
    return Agent(model, "You research.", name="research", tools=[search], **more)


@workflow
async def report(topic: str) -> str:
    found = await researcher()(topic)
    return f"{found} {await pay(3)}"


@workflow
async def failing(topic: str) -> str:
    return await lost(topic)


async def to_rest(app: App, worker: Any, value: Any, **more: Any) -> Run:
    run = await app.start(worker, value, **more)
    await app.settled(run.id)
    return await run.refresh()


@pytest.mark.capability(129, 198)
async def test_spans_arrive_with_the_conventions_names_right_parents_tokens_and_costs(
    collector: Collector, db: str
) -> None:
    async with App([report], db=db, telemetry=collector.url) as app:
        run = await to_rest(app, report, "cars", id="r")
        await run.approve(by="ada")
        await app.ended("r")
    collector.until(8)
    names = {span.name: collector.parent(span) for span in collector.spans}
    assert names == {
        "invoke_workflow report": "",
        "invoke_agent report": "invoke_workflow report",
        "invoke_agent research": "invoke_agent report",
        "chat gpt-5-mini": "invoke_agent research",
        "execute_tool search": "invoke_agent research",
        "wait for approval pay": "invoke_agent report",
        "execute_tool pay": "invoke_agent report",
    }
    assert len({span.trace_id for span in collector.spans}) == 1
    chats = [attributes(span) for span in collector.spans if span.name == "chat gpt-5-mini"]
    assert [chat["gen_ai.response.finish_reasons"] for chat in chats] == [["tool_call"], ["stop"]]
    for chat in chats:
        assert chat["gen_ai.operation.name"] == "chat"
        assert chat["gen_ai.provider.name"] == "openai"
        assert chat["gen_ai.request.model"] == chat["gen_ai.response.model"] == "gpt-5-mini"
        assert chat["gen_ai.agent.name"] == "research"
        assert chat["gen_ai.conversation.id"] == "r"
        assert chat["gen_ai.usage.input_tokens"] > 0
        assert chat["gen_ai.usage.output_tokens"] > 0
    assert sum(chat["gen_ai.usage.input_tokens"] for chat in chats) == run.cost.input
    assert sum(chat["gen_ai.usage.cost"] for chat in chats) == pytest.approx(float(run.cost.usd)) != 0
    whole = attributes(collector.named("invoke_workflow report"))
    assert whole["gen_ai.workflow.name"] == "report"
    assert whole["stretto.usage.cost"] == pytest.approx(float(run.cost.usd))
    tool_span = attributes(collector.named("execute_tool search"))
    assert (tool_span["gen_ai.tool.name"], tool_span["gen_ai.operation.name"]) == ("search", "execute_tool")
    assert collector.services == {"stretto"}


async def test_spans_lie_within_their_parents_in_time(collector: Collector, db: str) -> None:
    async with App([report], db=db, telemetry=collector.url) as app:
        await to_rest(app, report, "cars", approve=["pay"])
    collector.until(8)
    by_id = {span.span_id: span for span in collector.spans}
    for span in collector.spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        around = by_id.get(span.parent_span_id, span)
        assert around.start_time_unix_nano <= span.start_time_unix_nano
        assert span.end_time_unix_nano <= around.end_time_unix_nano


async def test_no_word_of_prompts_answers_and_arguments_leaves_unless_asked_for(db: str) -> None:
    quiet, open_ = InMemorySpanExporter(), InMemorySpanExporter()
    observers = [OpenTelemetry(quiet), OpenTelemetry(open_, with_contents=True)]
    async with App([report], db=db, observers=observers) as app:
        await to_rest(app, report, "cars" * 1000, approve=["pay"])
    assert "cars" not in " ".join(span.to_json() for span in quiet.get_finished_spans())
    told = {span.name: dict(span.attributes or {}) for span in open_.get_finished_spans()}
    chat = told["chat gpt-5-mini"]
    said = json.loads(str(chat["gen_ai.input.messages"]))
    assert said[0] == {"role": "user", "parts": [{"type": "text", "content": "cars" * 1000}]}
    assert said[1]["parts"][0]["arguments"] == {"query": "cars"}
    assert said[2]["parts"][0] == {
        "type": "tool_call_response",
        "id": said[1]["parts"][0]["id"],
        "response": "about cars",
    }
    assert json.loads(str(chat["gen_ai.system_instructions"])) == [{"type": "text", "content": "You research."}]
    assert json.loads(str(chat["gen_ai.output.messages"]))[0]["parts"] == [{"type": "text", "content": "Cars."}]
    assert told["execute_tool search"]["gen_ai.tool.call.arguments"] == '{"query":"cars"}'
    assert told["execute_tool search"]["gen_ai.tool.call.result"] == '"about cars"'


async def test_errors_are_the_status_of_all_they_passed_through(collector: Collector, db: str) -> None:
    async with App([failing], db=db, telemetry=collector.url) as app:
        with pytest.raises(RunFailed):
            await (await app.start(failing, "x"))
    collector.until(3)
    for name in ("execute_tool lost", "invoke_agent failing", "invoke_workflow failing"):
        span = collector.named(name)
        assert span.status.code == Status.STATUS_CODE_ERROR
        assert attributes(span)["error.type"] == "KeyError"


async def test_each_try_of_a_model_is_a_span(collector: Collector) -> None:
    model = ScriptedModel([fail(429, retry_after=0), say("Yes.")], name="anthropic:claude-sonnet-4-6")
    async with App(db=":memory:", telemetry=collector.url) as app:
        await to_rest(app, Agent(model, "Answer.", name="answerer"), "?")
    collector.until(4)
    tries = [span for span in collector.spans if span.name == "chat claude-sonnet-4-6"]
    assert [span.status.code for span in tries] == [Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET]
    assert tries[0].span_id != tries[1].span_id


@pytest.mark.capability(198)
async def test_a_run_that_another_process_goes_on_with_is_one_trace(collector: Collector, db: str) -> None:
    async with App([report], db=db, telemetry=collector.url) as app:
        await to_rest(app, report, "cars", id="r")
    collector.until(4)
    before = {span.span_id: span.name for span in collector.spans}
    assert "invoke_agent report" not in before.values()
    async with App([report], db=db, telemetry=collector.url) as app:
        run = await app.get("r")
        await run.approve(by="ada")
        await app.ended("r")
    collector.until(8)
    assert len({span.trace_id for span in collector.spans}) == 1
    assert len({span.span_id for span in collector.spans}) == 8
    assert collector.parent(collector.named("execute_tool pay")) == "invoke_agent report"
    ends = collector.named("invoke_workflow report")
    assert ends.start_time_unix_nano <= min(span.start_time_unix_nano for span in collector.spans)


async def test_exporting_afterwards_gives_the_same_spans_each_time(collector: Collector, db: str) -> None:
    exporter = InMemorySpanExporter()
    live = OpenTelemetry(exporter)
    async with App([report], db=db, observers=[live]) as app:
        run = await to_rest(app, report, "cars", approve=["pay"])
        later = OpenTelemetry(collector.url)
        assert await later.export(run.events, app.store.blob) == 8
        first = _ids(collector.spans)
        collector.spans.clear()
        await later.export(run.events, app.store.blob)
    assert _ids(collector.spans) == first
    seen = exporter.get_finished_spans()
    assert first == {(f"{span.context.span_id:016x}", span.name) for span in seen if span.context is not None}


def _ids(spans: list[Span]) -> set[tuple[str, str]]:
    return {(span.span_id.hex(), span.name) for span in spans}


async def test_what_has_not_ended_is_exported_as_far_as_it_went(collector: Collector, db: str) -> None:
    async with App([report], db=db) as app:
        run = await to_rest(app, report, "cars")
        await OpenTelemetry(collector.url).export(run.events, app.store.blob)
    assert collector.parent(collector.named("invoke_agent research")) == "invoke_agent report"
    assert attributes(collector.named("invoke_workflow report"))["stretto.state"] == "running"


async def test_many_branches_have_the_task_that_made_them_as_parent(collector: Collector) -> None:
    @workflow
    async def wide(count: int) -> int:
        return len(await gather(search(str(number)) for number in range(count)))

    async with App(db=":memory:", telemetry=collector.url) as app:
        await to_rest(app, wide, 700)
    collector.until(702)
    assert len({span.span_id for span in collector.spans}) == 702
    parent = collector.named("invoke_agent wide").span_id
    assert sum(span.parent_span_id == parent for span in collector.spans) == 700


# ---- a run in a larger trace

OUTER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_run_joins_the_trace_it_is_given_and_passes_it_on(collector: Collector, db: str) -> None:
    headers.clear()
    job = start(report, "cars", db=db, approve=["pay"], telemetry=collector.url, traceparent=OUTER)
    assert job.state == "done"
    collector.until(8)
    assert {span.trace_id.hex() for span in collector.spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert collector.named("invoke_workflow report").parent_span_id.hex() == "b7ad6b7169203331"
    call_of = collector.named("execute_tool search").span_id.hex()
    assert headers == [f"00-0af7651916cd43dd8448eb211c80319c-{call_of}-01"]


def test_a_tool_in_a_process_of_its_own_knows_the_trace(collector: Collector, db: str) -> None:
    @workflow
    async def apart(text: str) -> str:
        return await child.where_am_i()

    job = start(apart, "x", db=db, telemetry=collector.url, traceparent=OUTER)
    collector.until(3)
    span = collector.named("execute_tool where_am_i").span_id.hex()
    assert job.output == f"00-0af7651916cd43dd8448eb211c80319c-{span}-01"


def test_the_services_name_is_the_environments_or_ours(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "reports")
    start(report, "cars", db=":memory:", approve=["pay"], telemetry=collector.url)
    collector.until(8)
    assert collector.services == {"reports"}


def test_the_span_around_the_program_is_the_runs_parent(collector: Collector, db: str) -> None:
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  as an embedding program has it

    tracer = TracerProvider().get_tracer("ours")
    with tracer.start_as_current_span("request") as span:
        start(report, "cars", db=db, approve=["pay"], telemetry=collector.url)
    collector.until(8)
    whole = collector.named("invoke_workflow report")
    assert whole.parent_span_id.hex() == f"{span.get_span_context().span_id:016x}"
    assert whole.trace_id.hex() == f"{span.get_span_context().trace_id:032x}"


def test_a_run_that_nobody_traces_passes_nothing_on(db: str) -> None:
    headers.clear()
    start(report, "cars", db=db, approve=["pay"])
    assert headers == [""]
    assert traceparent() == ""


def test_a_traceparent_that_is_none_is_refused(db: str) -> None:
    for text in ("nonsense", OUTER.replace("b7ad6b7169203331", "0" * 16), f"ff{OUTER[2:]}"):
        with pytest.raises(UsageError, match="traceparent"):
            start(report, "cars", db=db, traceparent=text)


# ---- a collector that is not well


class Broken(SpanExporter):
    """Fails in every way."""

    def export(self, spans: Any) -> SpanExportResult:
        raise OSError("no route to the collector")

    def shutdown(self) -> None:
        pass


async def test_a_collector_that_is_not_there_costs_a_run_nothing_but_a_warning(
    caplog: pytest.LogCaptureFixture, db: str
) -> None:
    async with App([report], db=db, observers=[OpenTelemetry(Broken())]) as app:
        run = await to_rest(app, report, "cars", approve=["pay"])
        assert run.state == "done"
    (warning,) = [one for one in caplog.records if one.name.startswith(("stretto", "opentelemetry"))]
    assert warning.levelno == logging.WARNING
    assert "no route to the collector" in warning.getMessage()


@pytest.mark.parametrize("where", ["runs.db", ":memory:"])
async def test_an_observer_that_fails_costs_a_run_nothing_but_a_warning(
    where: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    class Failing:
        def see(self, rows: object) -> None:
            raise RuntimeError("blind")

    path = where if where == ":memory:" else str(tmp_path / where)
    async with App([report], db=path, observers=[Failing()]) as app, asyncio.timeout(5):
        assert await (await app.start(report, "cars", approve=["pay"])) == "Cars. paid 3"
    assert ["failed; runs go on without it" in one.getMessage() for one in caplog.records] == [True]


async def test_an_export_that_does_not_arrive_is_said(collector: Collector, db: str) -> None:
    collector.status = 400
    async with App([report], db=db) as app:
        run = await to_rest(app, report, "cars", approve=["pay"])
        with pytest.raises(UsageError, match="did not take the spans"):
            await OpenTelemetry(collector.url).export(run.events, app.store.blob)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="http://localhost:4318"):
        OpenTelemetry("localhost:4318")


async def test_nothing_is_sent_unless_it_was_asked_for(
    collector: Collector, db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    async with App([report], db=db) as app:
        await to_rest(app, report, "cars", approve=["pay"])
    assert collector.requests == 0
    monkeypatch.setenv("STRETTO_OTLP", "env")
    async with App([report], db=db) as app:
        await to_rest(app, report, "cars", approve=["pay"])
    await asyncio.sleep(0)
    collector.until(8)
