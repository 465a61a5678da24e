import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, Rules, Run, UsageError, pipeline, start, workflow
from stretto.app.flows import Flow, load, schema
from stretto.app.parts import inside, tools

HERE = Path(__file__).parent / "flow_files"
Write = Callable[..., Flow]

AGENTS = """
model: app.py:model
agents:
  research: {instructions: You research markets., tools: [search], about: knows markets}
  write: {instructions: You write reports.}
  judge: {instructions: Judge., output: {ok: bool, score: number}}
  triage: {instructions: Choose.}
tools: {search: app.py:search, publish: app.py:publish, mail: app.py:mail, fetch: app.py:fetch}
workers: {echo: app.py:echo, grade: app.py:grade, rewrite: app.py:rewrite, broken: app.py:broken}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(HERE / "app.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def flow(folder: Path) -> Write:
    def write(text: str, *, around: str = AGENTS, name: str = "flow.yaml") -> Flow:
        (folder / name).write_text(around + text, encoding="utf-8")
        return load(folder / name)

    return write


def result(worker: object, goal: object = "EV", **options: Any) -> Any:
    run: Run = start(worker, goal, db=":memory:", **options)
    assert run.state == "done", run.view.failure
    return run.output


def failure(worker: object, goal: object = "EV", **options: Any) -> str:
    run: Run = start(worker, goal, db=":memory:", **options)
    assert run.state == "failed", run.output
    cause = run.view.failure
    while cause.get("cause"):
        cause = cause["cause"]
    return str(cause["error"])


# ---- stages


def test_each_stage_gets_the_output_of_the_one_before(flow: Write) -> None:
    assert result(flow("flow: [write, echo]")) == "EV"
    assert result(flow('flow: [write: "About {goal}.", write: "{input} And {goal}."]')) == "ABOUT EV. AND EV."


@pytest.mark.capability(161)
def test_the_design_example_runs_to_its_review_and_publishes_what_was_approved(flow: Write, folder: Path) -> None:
    report = flow("""
flow:
  - parallel: [{research: "{goal}: market"}, {research: "{goal}: rivals"}]
  - write
  - review: {question: Publish this?, to: editors}
  - tool: publish
on: {cron: "0 8 * * MON"}
budget: $2
""")
    run: Run = start(report, "EV", db=":memory:")
    (asked,) = run.approvals
    assert (asked["kind"], asked["prompt"], asked["to"]) == ("review", "Publish this?", "editors")
    run.approve(by="Ann", edit="revised")
    (asked,) = run.approvals
    assert (asked["kind"], asked["tool"], asked["args"]["text"]) == ("approval", "publish", "revised")
    run.approve(by="Ann")
    assert run.output == "published on web: revised"
    assert (folder / "published.txt").read_text(encoding="utf-8") == "web: revised"


def test_stages_are_the_tasks_that_they_are_in_python(flow: Write) -> None:
    run: Run = start(
        flow("flow: [{parallel: {market: {research: a}, other: echo}}, {parallel: [write, echo]}, [echo]]"),
        "EV",
        db=":memory:",
    )
    labels = [(task.worker, task.label) for task in run.tasks[1:]]
    assert labels == [
        ("parallel", ""),
        ("research", "market"),
        ("echo", "other"),
        ("parallel", ""),
        ("write", ""),
        ("echo", ""),
        ("pipeline", ""),
        ("echo", ""),
    ]
    assert run.view.tasks[run.tasks[2].key].input == "a"


def test_parallel_gives_a_list_or_a_mapping_or_what_merge_makes_of_it(flow: Write) -> None:
    assert result(flow("flow: [{parallel: [write, echo], limit: 1}]"), "a") == ["A", "a"]
    assert result(flow("flow: [{parallel: {x: write, y: echo}}]"), "a") == {"x": "A", "y": "a"}
    assert result(flow("flow: [{parallel: {y: echo, x: write}, merge: app.py:join}]"), "a") == "x: A + y: a"


def test_parallel_needs_as_many_successes_as_it_says(flow: Write) -> None:
    assert result(flow("flow: [{parallel: [broken, echo], min_success: 1}]"), "a") == [None, "a"]
    assert failure(flow("flow: [{parallel: [broken, echo], min_success: 2}]")) == "out of order"
    assert failure(flow("flow: [{parallel: [broken, echo]}]")) == "out of order"


def test_a_fallback_takes_over_from_what_failed(flow: Write) -> None:
    assert result(flow("flow: [{fallback: [broken, [write, echo]]}]"), "a") == "A"
    assert failure(flow("flow: [{fallback: [broken, broken]}]")) == "out of order"


def test_a_route_is_chosen_by_a_worker_or_a_rule(flow: Write) -> None:
    by_model = "flow: [{route: {by: triage, choices: {billing: write}, otherwise: echo}}]"
    assert result(flow(by_model), "my invoice") == "MY INVOICE"
    assert result(flow(by_model), "hello") == "hello"
    by_rule = "flow: [{route: {by: app.py:ways, choices: {billing: write}}}]"
    assert result(flow(by_rule), "my invoice") == "MY INVOICE"
    assert re.search(
        r"flow.yaml:\d+: flow\[0\]: .*said 'other', and .*; its ways are billing; give otherwise",
        failure(flow(by_rule), "hello"),
    )


@pytest.mark.parametrize("until", ["ok", "not detail.rejected", "score >= 2.1", "ok == true", "app.py:good"])
def test_a_loop_ends_when_its_condition_holds(flow: Write, folder: Path, until: str) -> None:
    with (folder / "app.py").open("a", encoding="utf-8") as app:
        app.write("def good(verdict: object) -> object:\n    return verdict['ok']\n")
    looped = flow(f'flow: [{{loop: {{do: {{rewrite: "all of {{goal}}"}}, check: grade, until: "{until}", max: 4}}}}]')
    run: Run = start(looped, "EV", db=":memory:")
    assert run.output == "round two of all of EV"
    assert [task.label for task in run.tasks[1:]] == ["", "round 1", "round 1", "round 2", "round 2"]


def test_a_loop_that_is_never_done_gives_its_last_draft_or_goes_another_way(flow: Write) -> None:
    assert result(flow("flow: [{loop: {do: rewrite, check: grade, until: score > 99, max: 1}}]")) == "draft of EV"
    other = "flow: [{loop: {do: rewrite, check: grade, until: score > 99, max: 2, otherwise: write}}]"
    assert result(flow(other)) == "ROUND TWO OF EV"


def test_a_loop_without_a_checker_looks_at_the_result_itself(flow: Write) -> None:
    assert result(flow("flow: [{loop: {do: judge, until: not ok, max: 2}}]")) == {"ok": False, "score": 0.1}


def test_a_rejected_draft_ends_the_flow_with_the_reason(flow: Write, folder: Path) -> None:
    run: Run = start(flow("flow: [write, {review: Good?}, {tool: publish}]"), "EV", db=":memory:")
    run.reject(by="Ann", reason="too loud")
    assert run.state == "failed"
    assert "'Good?' was rejected: too loud" in run.error
    assert not (folder / "published.txt").exists()


@pytest.mark.parametrize("around", ["[{0}]", "[pipeline: [{0}]]", "[{{parallel: [echo, {0}], min_success: 1}}]"])
def test_a_rejected_draft_can_go_another_way_and_never_further(flow: Write, folder: Path, around: str) -> None:
    stages = around.format("{review: {question: Good?, rejected: [rewrite, write]}}")
    run: Run = start(flow(f"flow: [{stages}, {{tool: publish}}]"), "EV", db=":memory:")
    run.reject(by="Ann", reason="dull")
    assert (run.state, run.output) == ("done", "ROUND TWO OF EV")
    assert not (folder / "published.txt").exists()


def test_a_rejected_draft_can_be_revised_and_is_shown_again(flow: Write) -> None:
    run: Run = start(flow("flow: [{review: {question: 'Good, {input}?', revise: rewrite}}]"), "EV", db=":memory:")
    run.reject(by="Ann", reason="dull")
    assert run.approvals[0]["prompt"] == "Good, round two of EV?"
    run.approve(by="Ann")
    assert run.output == "round two of EV"


def test_a_question_is_answered_with_its_type(flow: Write) -> None:
    run: Run = start(
        flow("flow: [{ask: {question: 'How many for {goal}?', type: {count: integer, why: text?}}}, write]"),
        "EV",
        db=":memory:",
    )
    (asked,) = run.approvals
    assert asked["prompt"] == "How many for EV?"
    with pytest.raises(UsageError, match="the answer does not fit: count"):
        run.answer(None, {"count": "many"}, by="Ann")
    run.answer(None, {"count": 3}, by="Ann")
    assert run.output == '{"COUNT":3}'


def test_a_tool_takes_an_object_as_its_arguments_and_anything_else_as_its_one_argument(flow: Write) -> None:
    assert result(flow("flow: [{tool: search}]")) == "hits for EV"
    assert result(flow("flow: [{tool: mail}]"), {"to": "Ann", "body": "hi"}) == "mail to Ann: hi"
    assert result(flow("flow: [{tool: mail, with: {to: '{goal}'}}]"), "Bob") == "mail to Bob: Bob"
    assert result(flow("flow: [{tool: fetch}, {tool: search}]")) == "hits for news"
    assert "takes to, body, and the stage before gave one value" in failure(flow("flow: [{tool: mail}]"))
    assert "arguments do not fit: to: " in failure(flow("flow: [{tool: mail}]"), {"to": 1, "body": "hi"})


def test_a_worker_may_stand_among_the_tools(flow: Write) -> None:
    text = (
        "agents: {a: {model: app.py:model, tools: [search]}}\ntools: {search: app.py:echo}\nflow: [{tool: search}, a]"
    )
    run: Run = start(flow(text, around=""), "EV", db=":memory:")
    assert [task.worker for task in run.tasks] == ["flow", "search", "a", "search"]


def test_an_orchestrator_plans_for_the_named_workers(flow: Write) -> None:
    boss = "{workers: [echo, write], planner: plan, reviewer: accept, approve_plan: Ann, goal: 'Do {goal}'}"
    text = AGENTS.replace("workers: {", "workers: {plan: app.py:plan, accept: app.py:accept, ")
    run: Run = start(flow(f"flow: [{{orchestrate: {boss}}}]", around=text), "EV", db=":memory:")
    assert (run.approvals[0]["to"], run.view.tasks[run.tasks[1].key].input) == ("Ann", "Do EV")
    run.approve(by="Ann")
    assert run.output["goal"] == "the second"


# ---- agents


def test_an_agent_has_what_its_fields_say(flow: Write, folder: Path) -> None:
    (folder / "long.md").write_text("Be brief.", encoding="utf-8")
    agent: Any = flow(
        """agents:
  a:
    model: [openai:gpt-5, "test:", app.py:model]
    instructions_file: long.md
    output: app.py:Notes
    input: text
    retry: 2
    timeout: 2 min
    budget: $0.20, 10 calls
    temperature: 0.2
    settings: {service_tier: flex}
    max_turns: 3
    twin: app.py:echo
flow: [a]""",
        around="",
    ).members[0]
    assert agent.model[:2] == ["openai:gpt-5", "test:"]
    assert (agent.instructions, agent.output.__name__, agent.input) == ("Be brief.", "Notes", str)
    assert (agent.options.retry, agent.options.timeout, agent.options.budget.calls) == (2, 120, 10)
    assert agent.settings == {"temperature": 0.2, "service_tier": "flex"}
    assert (agent.max_turns, agent.twin.name) == (3, "echo")


def test_instructions_may_be_made_by_python(flow: Write) -> None:
    judge = "agents: {a: {model: app.py:model, instructions: app.py:briefing, output: {ok: bool, score: number}}}\n"
    assert result(flow("flow: [a]", around=judge)) == {"ok": False, "score": 0.1}


@pytest.mark.parametrize("wrong", [{"kind": "c", "parts": []}, {"kind": "a"}, {"kind": "a", "parts": [], "more": 1}])
def test_a_typed_answer_is_checked(flow: Write, folder: Path, wrong: object) -> None:
    (folder / "said.json").write_text(json.dumps([{"say": wrong}, {"say": {"kind": "a", "parts": [1]}}]))
    text = "agents: {a: {model: test:said.json, output: {kind: a | b, parts: [integer], note: text?}}}\nflow: [a]"
    assert result(flow(text, around="")) == {"kind": "a", "parts": [1]}


def test_a_script_beside_the_file_begins_anew_for_each_task(flow: Write, folder: Path) -> None:
    (folder / "said.json").write_text(
        json.dumps([{"fail": 500}, {"call": "search", "args": {"query": "x"}}, {"say": "done"}])
    )
    text = "agents: {a: {model: test:said.json, tools: [app.py:search]}}\nflow: [a, a: again]"
    assert result(flow(text, around="")) == "done"


def test_the_file_names_a_model_for_agents_without_one_and_else_the_run_does(flow: Write) -> None:
    bare = flow("agents: {a: {}}\nflow: [a]", around="")
    assert result(bare, model=load_model(bare)) == "EV"
    assert "agent 'a' names no model and the run has none" in failure(bare)
    boss = flow("workers: {echo: app.py:echo}\nflow: [{orchestrate: {workers: [echo]}}]", around="")
    assert "agent 'orchestrator.plan' names no model" in failure(boss)


def load_model(flow: Flow) -> Any:
    (flow.path.parent / "model.yaml").write_text("agents: {a: {model: app.py:model}}\nflow: [a]", encoding="utf-8")
    agent: Any = load(flow.path.parent / "model.yaml").members[0]
    return agent.model


def test_python_workers_take_the_name_that_the_file_gives_them(flow: Write) -> None:
    made = flow("workers: {voice: app.py:seasoned, rule: app.py:ways}\nflow: [voice, rule]", around="")
    assert [worker.name for worker in made.members] == ["voice", "rule"]


# ---- the flow as a worker


def test_a_flow_nests_like_any_other_worker(flow: Write, folder: Path) -> None:
    flow("flow: [write]", name="inner.yaml")
    outer = flow("workers: {shout: inner.yaml}\nflow: [shout, {tool: app.py:search}]", around="", name="outer.yaml")
    assert result(outer) == "hits for EV"

    @workflow
    async def around(topic: str) -> object:
        return await outer(topic)

    assert result(pipeline(around, outer)) == "hits for HITS FOR EV"


def test_a_flow_goes_on_in_another_process_where_it_waited(flow: Write, folder: Path) -> None:
    db = str(folder / "runs.db")
    text = "flow: [{parallel: [write, echo]}, {review: Good?}, {loop: {do: rewrite, check: grade, until: ok}}]"
    assert start(flow(text), "EV", id="one", db=db).state == "waiting"
    again: Run = start(load(folder / "flow.yaml"), "EV", id="one", db=db)
    again.approve(by="Ann", edit=["a"])
    assert again.output == "round two of ['a']"
    assert len([row for row in again.events if row.kind == "task_started"]) == 10


def test_the_fingerprint_follows_the_content(flow: Write) -> None:
    first = flow("flow: [write]").fingerprint()
    assert flow("# only a remark\nflow:\n  - write").fingerprint() == first
    assert flow("flow: [write: 'More on {input}']").fingerprint() != first
    assert (
        flow("flow: [write]", around=AGENTS.replace("You write reports.", "You write novels.")).fingerprint() != first
    )


def test_members_and_prompts_are_there_to_be_listed(flow: Write) -> None:
    made = flow("flow: [write, {route: {by: triage, choices: {a: research, b: write}}}, {review: 'Is {goal} right?'}]")
    assert [worker.name for worker in inside(made) if isinstance(worker, Agent)] == ["write", "triage", "research"]
    assert made.prompts == {"flow[2].review": "Is {goal} right?"}
    assert [*tools(flow("flow: [{tool: search}, {tool: mail}, {tool: search}]"), {})] == ["search", "mail"]


def test_the_goal_may_be_json_and_its_parts_be_named(flow: Write) -> None:
    made = flow('flow: [write: "{goal.topic} for {goal.for.name}, {{goal}}, {} and {\\"a\\": 1}"]')
    assert result(made, {"topic": "cars", "for": {"name": "Ann"}}) == 'CARS FOR ANN, {GOAL}, {} AND {"A": 1}'
    assert "{goal.topic} is not there" in failure(made, {"title": "x"})


def test_a_file_may_name_its_goal(flow: Write) -> None:
    assert result(flow("flow: [write: 'On {goal}']\ngoal: EVs"), None) == "ON EVS"
    assert "it needs {goal}, and the run was given none" in failure(flow("flow: [write: 'On {goal}']"), None)


def test_a_budget_is_the_runs(flow: Write) -> None:
    run: Run = start(flow("flow: [write, write]\nbudget: 1 calls"), "EV", db=":memory:")
    assert [asked["kind"] for asked in run.approvals] == ["budget"]


def test_a_policy_is_in_force(flow: Write) -> None:
    made = flow("flow: [{tool: search}]\npolicy: {deny: [search], allow: [mail], autonomy: none-external}")
    assert "the policy denies search" in failure(made, policy=made.rules)
    asks = flow("flow: [{tool: search}]\npolicy: {ask: [search]}")
    assert start(asks, "EV", db=":memory:", policy=asks.rules).state == "waiting"


@pytest.mark.parametrize("policy", ["deny: [search]", "ask: [search]", "autonomy: ask-all"])
def test_a_policy_holds_wherever_its_flow_is_used(flow: Write, policy: str) -> None:
    made = flow(f"flow: [{{tool: search}}]\npolicy: {{{policy}}}")
    for worker in (made, pipeline(made)):
        run = start(worker, "EV", db=":memory:", policy=Rules(allow=("search",)))
        assert run.state == ("failed" if "deny" in policy else "waiting")


def test_a_flow_does_not_begin_where_its_policy_cannot_be_known_beforehand(flow: Write) -> None:
    made = flow("flow: [write]\npolicy: {deny: [search]}")

    @workflow
    async def hidden(goal: str) -> str:
        return str(await made(goal))

    assert "start the run with policy=flow.rules" in failure(hidden)
    assert result(hidden, policy=made.rules) == "EV"


def test_a_tool_can_be_made_riskier_where_it_is_listed(flow: Write) -> None:
    tools = "tools: {find: {use: app.py:search, risk: high, to: Ann, expires: 2d}}\nflow: [{tool: find}]"
    (asked,) = start(flow(tools, around=""), "EV", db=":memory:").approvals
    assert (asked["tool"], asked["risk"], asked["to"]) == ("find", "high", "Ann")


def test_triggers_are_kept_as_data(flow: Write) -> None:
    on = {"cron": "*/5 8-18 1,15 JAN-MAR MON", "webhook": "orders/new", "event": "order.paid"}
    assert flow(f"flow: [write]\non: {json.dumps(on)}").triggers == on


# ---- the schema


def test_the_schema_knows_every_key_that_the_loader_takes() -> None:
    made = schema()
    assert {"agents", "flow", "on", "policy"} <= made["properties"].keys()
    assert made["required"] == ["flow"]
    json.dumps(made)
