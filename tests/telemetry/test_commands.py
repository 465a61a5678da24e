"""Spans from the command line, and from processes that die."""

import pytest

from tests.cli.conftest import Shell, shell
from tests.telemetry.collector import Collector, attributes

__all__ = ["shell"]


@pytest.mark.capability(198)
def test_a_run_sends_its_spans_where_it_is_told_to(shell: Shell, collector: Collector) -> None:
    assert shell("run", "workers.py:shout", "a b", "--id", "s", "--otlp", collector.url).code == 0
    collector.until(4)
    assert collector.parent(collector.named("invoke_agent shout")) == "invoke_workflow shout"
    assert [span.name for span in collector.spans].count("execute_tool look_up") == 2


@pytest.mark.capability(129)
def test_a_killed_process_leaves_one_whole_trace_to_the_next(shell: Shell, collector: Collector) -> None:
    words = ("workers.py:writing", "a b", "--id", "w", "--approve", "write_file", "--otlp", collector.url)
    assert shell("run", *words, STRETTO_FAULT="intent.after#1:kill").code < 0
    assert shell("resume", "w", STRETTO_OTLP=collector.url).code == 0
    collector.until(7)
    spans = {span.span_id: span for span in collector.spans}
    assert {(span.name, collector.parent(span)) for span in spans.values()} == {
        ("invoke_workflow writing", ""),
        ("invoke_agent writing", "invoke_workflow writing"),
        ("invoke_agent shout", "invoke_agent writing"),
        ("execute_tool look_up", "invoke_agent shout"),
        ("wait for approval write_file", "invoke_agent writing"),
        ("execute_tool write_file", "invoke_agent writing"),
    }
    assert len({span.trace_id for span in collector.spans}) == 1


def test_a_run_is_exported_later_with_or_without_contents(shell: Shell, collector: Collector) -> None:
    shell("run", "workers.py:shout", "a", "--id", "s")
    told = shell("export", "s", "--otlp", collector.url)
    assert (told.code, told.out) == (0, "")
    assert "3 spans sent" in told.err
    assert "gen_ai.tool.call.arguments" not in attributes(collector.named("execute_tool look_up"))
    collector.spans.clear()
    assert shell("export", "s", "--otlp", collector.url, "--contents").code == 0
    assert attributes(collector.named("execute_tool look_up"))["gen_ai.tool.call.arguments"] == '{"word":"a"}'


def test_a_collector_that_is_not_there_is_told_and_hinders_no_run(shell: Shell) -> None:
    ran = shell("run", "workers.py:shout", "b", "--otlp", "http://127.0.0.1:9")
    assert (ran.code, ran.out.strip()) == (0, "B")
    assert "spans do not arrive" in ran.err
    assert shell("export", "s", "--contents").code == 2
