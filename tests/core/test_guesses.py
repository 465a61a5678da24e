"""Who comes from another package guesses names; each wrong guess is told what it is called here."""

from collections.abc import Callable
from typing import Any

import pytest

import stretto
from stretto import (
    Agent,
    App,
    Orchestrator,
    UsageError,
    WorkerFailed,
    pipeline,
    run,
    tool,
    workflow,
)
from stretto.testing import ScriptedModel

anything: Any = stretto
agent: Any = Agent(ScriptedModel(lambda request: "hello"), name="a")


def add(a: int, b: int) -> int:
    return a + b


GUESSES: list[tuple[Callable[[], object], str]] = [
    (lambda: anything.Agent(system_prompt="x"), "here it is called 'instructions'"),
    (lambda: anything.Agent(role="x"), "here it is called 'instructions'"),
    (lambda: anything.Agent(output_type=int), "here it is called 'output'"),
    (lambda: anything.Agent(sub_agents=[]), "here it is called 'handoffs'"),
    (lambda: anything.Agent(max_steps=3), "here it is called 'max_turns'"),
    (lambda: anything.Agent(retries=3), "here it is called 'retry'"),
    (lambda: anything.Agent(temperature=0.3), 'say settings={"temperature": ...}'),
    (lambda: anything.Agent(memory=True), "say tools=[remember, recall]"),
    (lambda: anything.Agent(tolls=[]), "did you mean 'tools'?"),
    (lambda: anything.Agent(add_base_tools=True), "it takes model, instructions, name, tools,"),
    (lambda: anything.Agent("test:", "x", [add]), "Agent takes by position only model, instructions"),
    (lambda: agent.using(outptu=int), "did you mean 'output'?"),
    (lambda: run(anything.Agent("test:", tools=["search"]), "x", db=":memory:"), "'search' is not a tool; give a"),
    (lambda: run(anything.Agent("test:", tools=add), "x", db=":memory:"), "write tools=[...], not function"),
    (lambda: anything.Orchestrator(agents=[]), "here it is called 'workers'"),
    (lambda: anything.Orchestrator("test:", [add], tasks=[]), "say planner=lambda goal:"),
    (lambda: run(Orchestrator("test:", agent), "x", db=":memory:"), "write workers=[...], not Agent"),
    (lambda: anything.App(database="runs.db"), "here it is called 'db'"),
    (lambda: App(agent, db=":memory:"), "write workers=[...], not Agent"),
    (lambda: anything.run(agent, "x", thread_id="1"), "here it is called 'id'"),
    (lambda: anything.run(add, a=1, b=2), 'one value: run(worker, {"a": 1, "b": 2})'),
    (lambda: run(Agent, "x", db=":memory:"), "the class Agent is not a worker; make one of it"),
    (lambda: anything.tool(needs_approval=True), 'say risk="high"'),
    (lambda: anything.workflow(retries=1), "here it is called 'retry'"),
    (lambda: anything.route(add, {}, default=agent), "here it is called 'otherwise'"),
    (lambda: anything.loop(add, until=bool, max_iterations=3), "here it is called 'max'"),
    (lambda: anything.loop(add), "missing 1 required keyword-only argument: 'until'"),
    (lambda: anything.debate(add, agent, max_rounds=3), "here it is called 'rounds'"),
    (lambda: anything.pipeline([add, agent]), "a list is not a worker; give its items one by one"),
    (lambda: anything.group_chat(agent, until="DONE"), "until='DONE' is no function; write until=lambda"),
    (lambda: run(Agent("gpt-4o"), "x", db=":memory:"), "did you mean 'openai:gpt-4o'?"),
    (lambda: run(Agent("anthropic/claude-x"), "x", db=":memory:"), "did you mean 'anthropic:claude-x'?"),
]


@pytest.mark.parametrize(("guess", "remedy"), GUESSES, ids=range(len(GUESSES)))
def test_a_wrong_guess_is_told_the_remedy(guess: Callable[[], object], remedy: str) -> None:
    with pytest.raises((UsageError, WorkerFailed)) as caught:
        guess()
    assert remedy in str(caught.value)


def test_the_functions_keep_their_names_and_words() -> None:
    assert pipeline.__name__ == "pipeline"
    assert (tool.__doc__ or "").startswith("Make a function a tool")


def test_an_error_from_inside_is_not_taken_for_a_wrong_call() -> None:
    planner: Any = lambda goal: len(3)  # type: ignore[arg-type]  # noqa: E731
    with pytest.raises(WorkerFailed, match="object of type 'int' has no len"):
        run(Orchestrator(workers=[add], planner=planner), "x", db=":memory:")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("Crew", "Orchestrator(model, workers)"), ("Runner", "run(worker, input)"), ("StateGraph", "a @workflow")],
)
def test_names_of_other_packages_are_told_what_does_it_here(name: str, remedy: str) -> None:
    with pytest.raises(ImportError) as caught:
        exec(f"from stretto import {name}")
    assert remedy in str(caught.value)
    with pytest.raises(AttributeError, match="module 'stretto' has no attribute 'nonsense'"):
        anything.nonsense  # noqa: B018


@pytest.mark.parametrize("name", ["run", "invoke", "kickoff", "stream", "as_tool"])
def test_a_worker_has_no_methods_that_do_it(name: str) -> None:
    assert not hasattr(agent, name)
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; .*(run\\(worker|job.stream|tools=)"):
        getattr(agent, name)
    with pytest.raises(AttributeError, match="'Agent' object has no attribute 'nonsense'"):
        agent.nonsense  # noqa: B018


def test_a_call_that_was_not_awaited_is_named() -> None:
    @workflow
    async def forgets(x: str) -> object:
        return {"answer": agent(x)}

    with pytest.raises(WorkerFailed, match=r"value\.answer is <a call of a>, which was not"):
        run(forgets, "x", db=":memory:")
