"""Graphs of workers and runs: what is in them, and that whoever draws or reads them can."""

import re
import time
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto import (
    Agent,
    App,
    Orchestrator,
    RunFailed,
    fallback,
    gather,
    loop,
    parallel,
    pipeline,
    route,
    tool,
    workflow,
)
from stretto.app.gaps import Gaps
from stretto.app.graph.data import Edge, Graph, Group, Node
from stretto.app.graph.flows import of_worker
from stretto.app.graph.layers import Box
from stretto.app.graph.layout import layout
from stretto.app.graph.mermaid import mermaid
from stretto.app.graph.runs import of_run
from stretto.app.graph.svg import svg
from stretto.app.targets import resolve
from stretto.orchestrator.plan import Brief, Plan, PlannedTask
from stretto.patterns.compete import compete
from stretto.patterns.debate import debate
from stretto.patterns.each import each
from stretto.patterns.gate import gate
from stretto.patterns.group_chat import group_chat
from stretto.patterns.person import person


@tool
def search(query: str) -> str:
    """Search."""
    return query


@tool(risk="high", effect="once")
def pay(amount: int) -> int:
    """Pay."""
    return amount


def agent(name: str, **more: Any) -> Agent[str]:
    return Agent("openai:gpt-5-mini", "Work.", name=name, **more)


def edges(graph: Graph) -> set[tuple[str, str, str, str]]:
    """Edges by what their nodes are called."""
    names = {node.id: node.label or node.kind for node in graph.nodes}
    return {(names[edge.source], names[edge.target], edge.label, edge.kind) for edge in graph.edges}


# ---- workers


@pytest.mark.capability(131)
def test_a_pipeline_of_patterns_shows_each_with_its_shape_and_labels() -> None:
    polished = loop(agent("write"), agent("editor"), until=bool, max=3, name="polished")
    ways = {"billing": agent("billing", tools=[search, pay]), "content": polished}
    whole = pipeline(agent("triage"), route(agent("sort"), ways, otherwise=agent("desk")), name="whole")
    graph = of_worker(whole)
    assert edges(graph) == {
        ("triage", "sort", "", "flow"),
        ("sort", "billing", "billing", "flow"),
        ("sort", "write", "content", "flow"),
        ("sort", "desk", "otherwise", "flow"),
        ("write", "editor", "", "flow"),
        ("editor", "write", "again, at most 3", "back"),
    }
    named = [(group.kind, group.label) for group in graph.groups]
    assert named == [("pipeline", "whole · pipeline"), ("route", "route"), ("loop", "polished · loop")]
    assert graph.groups[2].within == graph.groups[1].id
    (billing,) = [node for node in graph.nodes if node.label == "billing"]
    assert (billing.kind, billing.tools) == ("agent", ("search", "pay (asks)"))


@pytest.mark.capability(131)
def test_what_goes_on_at_once_parts_and_meets() -> None:
    def put_together(found: dict[str, str]) -> str:
        return str(found)

    both = edges(of_worker(parallel(market=agent("a"), rivals=agent("b"), merge=put_together)))
    assert both == {
        ("fork", "a", "market", "flow"), ("fork", "b", "rivals", "flow"),
        ("a", "merge: put_together", "", "flow"), ("b", "merge: put_together", "", "flow"),
    }  # fmt: skip
    best = edges(of_worker(compete(agent("a"), agent("b"), judge=agent("judge"), accept=0.9)))
    assert best == {
        ("fork", "a", "", "flow"),
        ("fork", "b", "", "flow"),
        ("a", "judge", "", "flow"),
        ("b", "judge", "", "flow"),
    }
    assert edges(of_worker(each(agent("a"), limit=3))) == {("fork", "a", "each item", "flow"), ("a", "all", "", "flow")}


def test_debates_chats_gates_and_fallbacks_have_shapes_of_their_own() -> None:
    said = edges(of_worker(debate(agent("pro"), agent("con"), judge=agent("judge"), rounds=2)))
    assert ("judge", "pro", "next round, at most 2", "back") in said
    chat = edges(of_worker(group_chat(agent("a"), person("ann", to="ann@example.org"))))
    assert chat == {("in turn", "a", "", "both"), ("in turn", "ann", "", "both")}
    asked = edges(of_worker(gate("Publish?", to="editors", then=agent("a"), otherwise=agent("b"))))
    assert asked == {("Publish?", "a", "yes", "flow"), ("Publish?", "b", "no", "flow")}
    assert edges(of_worker(fallback(agent("a"), agent("b")))) == {("a", "b", "failed", "else")}


@pytest.mark.capability(131)
def test_an_orchestrator_shows_who_plans_who_works_and_what_is_asked() -> None:
    boss = Orchestrator("openai:gpt-5", workers=[agent("a"), agent("b")], name="boss", approve_plan="leads")
    found = edges(of_worker(boss))
    assert ("boss.plan", "Carry out this plan?", "", "flow") in found
    assert ("Carry out this plan?", "a", "tasks", "gives") in found
    assert ("Carry out this plan?", "b", "tasks", "gives") in found
    assert any(target == "boss.plan" and kind == "back" for _, target, _, kind in found)


def test_agents_that_know_each_other_are_drawn_once() -> None:
    tools: list[Any] = []
    one = agent("one", tools=tools)
    two = agent("two", tools=[one])
    tools.append(two)
    graph = of_worker(one)
    assert [node.label for node in graph.nodes] == ["one", "two"]
    assert edges(graph) == {("one", "two", "", "gives"), ("two", "one", "", "gives")}
    assert "two" in svg(graph)


helper = agent("helper")


@workflow
async def weekly(topic: str) -> list[str]:
    """A workflow that names a worker and a tool."""
    await pay(3)
    return await gather(helper(topic) for topic in [topic])


def test_a_workflow_shows_the_workers_and_tools_that_its_code_names() -> None:
    graph = of_worker(weekly)
    assert edges(graph) == {("weekly", "helper", "", "gives")}
    assert graph.nodes[0].tools == ("pay (asks)",)


def test_a_flow_files_stages_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(
        "agents:\n  research: {model: 'test:', instructions: x}\n  write: {model: 'test:', instructions: x}\n"
        "flow:\n  - parallel: [{research: '{goal}: a'}, {research: '{goal}: b'}]\n  - write\n"
        "  - review: {question: Publish this?, to: editors}\n"
    )
    found = edges(of_worker(resolve(str(tmp_path / "flow.yaml")).worker))
    assert found == {
        ("fork", "research", "", "flow"), ("research", "join", "", "flow"), ("join", "write", "", "flow"),
        ("write", "Publish this?", "", "flow"),
    }  # fmt: skip


@pytest.mark.capability(131)
def test_a_flow_files_questions_are_drawn_with_their_ways(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def note(text: str) -> str:\n    return text\n")
    (tmp_path / "flow.yaml").write_text(
        "agents: {write: {model: 'test:', instructions: x}, mend: {model: 'test:', instructions: x}}\n"
        "tools: {note: app.py:note}\nflow:\n  - ask: Which one?\n  - gate: {question: Sure?, revise: mend}\n"
        "  - review: {question: 'Good, {goal}?', rejected: {write: 'sorry'}}\n  - tool: note\n"
    )
    found = edges(of_worker(resolve(str(tmp_path / "flow.yaml")).worker))
    assert found == {
        ("Which one?", "Sure?", "", "flow"), ("Sure?", "mend", "no", "flow"), ("mend", "Sure?", "again", "back"),
        ("Sure?", "Good, {goal}?", "yes", "flow"), ("Good, {goal}?", "write", "no", "flow"),
        ("Good, {goal}?", "note", "yes", "flow"),
    }  # fmt: skip


# ---- runs


@workflow
def planner(brief: Brief) -> Plan:
    tasks = PlannedTask("one", "a", "shout"), PlannedTask("two", "b", "cry", after=("one",))
    return Plan((*tasks, PlannedTask("three", "c", "shout", after=("two",))))


@workflow
def shout(text: str) -> str:
    return text.upper()


@workflow
def cry(text: str) -> str:
    raise ValueError("no voice")


@pytest.mark.capability(131)
async def test_a_run_shows_states_figures_and_what_the_plan_needs() -> None:
    boss = Orchestrator(workers=[shout, cry], planner=planner, name="boss", max_plans=1)
    async with App(db=":memory:") as app:
        run = await app.start(boss, "go")
        with pytest.raises(RunFailed):
            await run
        graph = of_run(run.view, Gaps(run.events), time.time_ns() // 1000)
    states = {(node.label, node.details[0] if node.details else ""): node.state for node in graph.nodes}
    assert states["shout", "one"] == "done"
    assert states["cry", "two"] == "failed"
    assert states["shout", "three"] == "left"
    named = {node.id: node.details[0] for node in graph.nodes if node.details}
    needs = {(named[edge.source], named[edge.target]) for edge in graph.edges if edge.kind == "needs"}
    assert needs == {("one", "two"), ("two", "three")}
    assert ":::failed" in mermaid(graph)
    assert 'class="box failed"' in svg(graph)
    assert "✗ cry" in svg(graph)


async def test_an_open_question_stands_beside_the_task_that_asks() -> None:
    @workflow
    async def paying(amount: int) -> int:
        return await pay(amount)

    async with App(db=":memory:") as app:
        run = await app.start(paying, 3)
        await app.settled(run.id)
        await run.refresh()
        graph = of_run(run.view, Gaps(run.events), time.time_ns() // 1000)
    assert [(node.label, node.state) for node in graph.nodes] == [("paying", "waiting"), ("pay?", "waiting")]


async def test_many_finished_tasks_of_one_kind_are_one_node() -> None:
    @workflow
    async def wide(count: int) -> int:
        return len(await gather(shout(str(number)) for number in range(count)))

    async with App(db=":memory:") as app:
        run = await app.start(wide, 200)
        await run
        graph = of_run(run.view, Gaps(run.events), time.time_ns() // 1000)
    assert [node.label for node in graph.nodes] == ["wide", "shout × 200"]


# ---- pictures

NAMES = st.text(min_size=1, max_size=30) | st.sampled_from(
    ['end', 'a"b', "subgraph", "x]y", "(z)", "1. one", "- two", "`code`", "<b>", "&amp;", "#quot;", "日本語", "__init__",
     "a-->b", "%%{init}", "]]>", "graph TD;", "style n0 fill:red", "click", "a|b", "{x}", "\u202eevil"]
)  # fmt: skip
_LABEL = r'"(?:[^"`<>|\[\]{}()&;$*~\\#\x00-\x1f]|#\d+;|<br/>)*"'
_LINE = re.compile(
    rf"flowchart LR|  +subgraph g\d+\[{_LABEL}\]|  +end|  classDef .*"
    rf"|  +n\d+(?:\[{_LABEL}\]|\(\[{_LABEL}\]\)|\(\({_LABEL}\)\))(?::::\w+)?"
    rf"|  n\d+ (?:-->|-\.->|<-->)(?:\|{_LABEL}\|)? n\d+"
)


@given(st.lists(NAMES, min_size=2, max_size=5), NAMES)
def test_no_name_can_be_taken_for_mermaid_or_xml(names: list[str], label: str) -> None:
    nodes = tuple(Node(f"n{at}", "agent", name, (name,), (name,)) for at, name in enumerate(names))
    graph = Graph(
        label, nodes, (Edge("n0", "n1", label), Edge("n1", "n0", label, "back")), (Group("g0", "loop", label, ("n0",)),)
    )
    for line in mermaid(graph).split("\n"):
        assert _LINE.fullmatch(line), line
    root = ElementTree.fromstring(svg(graph))
    assert len(root.findall(".//{*}rect[@rx='8']")) == len(names)


def test_a_picture_needs_nothing_else_and_can_be_read_without_seeing_it() -> None:
    drawn = svg(of_worker(pipeline(agent("research"), agent("write"))))
    root = ElementTree.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.findtext("{*}title") == "pipeline"
    assert root.findtext("{*}desc") == "pipeline: research to write."
    assert "prefers-color-scheme: dark" in drawn
    assert re.findall(r"(?:href|src|url\()", drawn) == []


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph: with circles, edges across groups, and groups in groups."""
    count = draw(st.integers(1, 9))
    ids = [f"n{at}" for at in range(count)]
    ends = st.sampled_from(ids)
    found = draw(st.lists(st.tuples(ends, ends, st.sampled_from(["", "a label"])), max_size=14))
    nodes = tuple(Node(id, "agent", id) for id in ids)
    inner, outer = draw(st.integers(0, count)), draw(st.integers(0, count))
    groups = [Group("g0", "a", "outer", tuple(ids[:outer]))] if outer else []
    if 0 < inner < outer:
        groups = [
            Group("g0", "a", "outer", tuple(ids[inner:outer])),
            Group("g1", "b", "inner", tuple(ids[:inner]), "g0"),
        ]
    return Graph("any", nodes, tuple(Edge(*one) for one in dict.fromkeys(found)), tuple(groups))


@given(graphs())
def test_in_any_graph_nothing_lies_over_anything_else(graph: Graph) -> None:
    laid = layout(graph, lambda _: (80.0, 30.0), lambda label: 6.0 * len(label), lambda label: 6.0 * len(label))
    assert laid.nodes.keys() == {node.id for node in graph.nodes}
    assert len(laid.paths) == len(graph.edges)
    for one, other in combinations(laid.nodes.values(), 2):
        assert not overlap(one, other)
    for group in graph.groups:
        for node in graph.nodes:
            inside = node.id in group.nodes or any(
                node.id in one.nodes for one in graph.groups if one.within == group.id
            )
            assert (
                within(laid.nodes[node.id], laid.groups[group.id])
                if inside
                else not overlap(laid.nodes[node.id], laid.groups[group.id])
            )
    for box in laid.nodes.values():
        assert within(box, Box(0, 0, laid.width, laid.height))
    svg(graph)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width - 0.1
        and other.x < one.x + one.width - 0.1
        and one.y < other.y + other.height - 0.1
        and other.y < one.y + one.height - 0.1
    )


def within(inner: Box, outer: Box) -> bool:
    return (
        outer.x - 0.1 <= inner.x
        and outer.y - 0.1 <= inner.y
        and inner.x + inner.width <= outer.x + outer.width + 0.1
        and inner.y + inner.height <= outer.y + outer.height + 0.1
    )
