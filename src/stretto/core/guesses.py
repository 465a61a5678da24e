"""What people write who come from elsewhere, and what it is called here: a wrong guess is told the remedy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

from stretto.core.errors import UsageError

T = TypeVar("T", bound=Callable[..., Any])
V = TypeVar("V")

_HERE = {
    "instructions": "system_prompt system_message system instruction prompt role backstory goal",
    "about": "description handoff_description",
    "output": "output_type output_schema output_model response_format response_model result_type output_pydantic",
    "input": "input_type input_schema",
    "model": "llm llm_config model_client model_name manager_llm planner_model",
    "tools": "functions",
    "handoffs": "sub_agents managed_agents",
    "workers": "agents members participants sub_agents managed_agents team",
    "max_turns": "max_steps max_iter max_iterations recursion_limit",
    "rounds": "max_rounds max_turns max_iterations max",
    "max": "max_turns max_rounds max_round max_iterations max_iter rounds",
    "retry": "retries max_retries max_retry_limit retry_policy attempts",
    "limit": "concurrency max_concurrency max_workers max_parallel",
    "guards": "input_guardrails guardrails",
    "accept": "output_guardrails guardrail validators result_validators threshold",
    "otherwise": "default fallback",
    "judge": "evaluator selector scorer",
    "merge": "reduce join combine reducer aggregator",
    "until": "condition stop termination_condition stop_when",
    "next": "selector speaker_selection_method manager",
    "approve_plan": "human_input interrupt_before",
    "timeout": "max_execution_time timeout_seconds",
    "deps": "context dependencies",
    "db": "database checkpointer persistence store session_service",
    "id": "thread_id session_id run_id conversation_id",
}
"""Our words, each with what it is called elsewhere."""

_SAY = {
    'say settings={"temperature": ...}': "temperature",
    'say settings={"top_p": ...}': "top_p",
    'say settings={"max_tokens": ...}': "max_tokens max_output_tokens",
    "say settings={...}": "model_settings generate_content_config model_kwargs",
    'say risk="high"': "needs_approval requires_approval require_confirmation requires_confirmation",
    "say tools=[remember, recall]": "memory",
    "say Agent(max_turns=...)": "max_turns",
    "say planner=lambda goal: [...], which returns the tasks": "tasks plan",
    "leave it out: what the tasks wait for is the process": "process",
    "leave it out: `stretto run` shows what goes on, and `stretto show ID` what went on": "verbose debug",
}
"""What to say instead of a word that stands for something else here."""

_NAMES = {
    "it is Agent(model, instructions, tools=[...])": "AssistantAgent LlmAgent ConversableAgent CodeAgent "
    "ToolCallingAgent ChatAgent create_react_agent create_agent ReActAgent",
    "run(worker, input) runs it, in an event loop App does": "Runner InMemoryRunner",
    "it is Orchestrator(model, workers)": "Crew Supervisor create_supervisor MagenticOneGroupChat Team",
    "a task is a worker that is called, `await worker(input)`; in a plan it is a PlannedTask": "Task Step",
    "a graph is a @workflow, with its if, for and await; or pipeline, route and loop": "StateGraph Graph Flow entrypoint "
    "GraphFlow Workflow",
    "it is @tool": "function_tool FunctionTool",
    "it is pipeline(a, b)": "SequentialAgent Sequential Pipeline",
    "it is parallel(a, b)": "ParallelAgent Parallel",
    "it is loop(work, check, until=...)": "LoopAgent Loop",
    "it is group_chat(a, b)": "GroupChat RoundRobinGroupChat SelectorGroupChat Swarm",
    "it is person(name), or ask(question)": "UserProxyAgent HumanInput Human",
    "a person is asked by ask(question), review(draft), or a @tool with a risk": "interrupt Command",
    "what the tasks wait for is the process": "Process",
}
"""What does here what other packages have a name of theirs for."""

_RUNS = "run(worker, input) runs it, in an event loop App does, and inside a workflow: await worker(input)"
_CALLS = {
    f"a worker is data; {_RUNS}": "run run_sync invoke ainvoke kickoff execute chat initiate_chat generate_reply arun",
    "start it in an App, and read job.stream()": "stream run_stream run_streamed astream run_async",
    "a worker is a tool as it is: tools=[worker]": "as_tool",
}


def guided(thing: T) -> T:
    """A function or class that answers a call which its parameters do not allow with a `UsageError` and the remedy."""
    if isinstance(thing, type):
        thing.__init__ = _guided(thing.__init__, thing.__name__)  # type: ignore[misc]
        return thing
    return _guided(thing, thing.__name__)


def _guided(function: T, name: str) -> T:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise  # it began; this is no matter of how it was called
            raise UsageError(_misfit(function, name, args, kwargs) or str(error)) from None

    return call  # type: ignore[return-value]


def _misfit(function: Callable[..., Any], name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    parameters = inspect.signature(function).parameters.values()
    places = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    names = [one.name for one in parameters if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)]
    unknown = next((word for word in kwargs if word not in names), None)
    if unknown is not None:
        return f"{name} has no {unknown!r}; {_instead(unknown, [word for word in names if word != 'self'])}"
    if len(args) > len(places) and not any(one.kind is one.VAR_POSITIONAL for one in parameters):
        own = [word for word in places if word != "self"]
        return f"{name} takes by position only {', '.join(own) or 'nothing'}; say the others by name"
    return ""


def _instead(word: str, names: Sequence[str]) -> str:
    if ours := _found(word, {name: _HERE.get(name, "") for name in names}):
        return f"here it is called {ours!r}"
    if told := _found(word, _SAY):
        return told
    near = get_close_matches(word, names, 1)
    if near:
        return f"did you mean {near[0]!r}?"
    one = (
        'what it is given is one value: run(worker, {"a": 1, "b": 2}); else '
        if {"worker", "input"} <= set(names)
        else ""
    )
    return f"{one}it takes {', '.join(names)}"


def listed(things: Iterable[V], what: str) -> tuple[V, ...]:
    """The things as a tuple; `UsageError` where they are no list of things."""
    if isinstance(things, str | Mapping) or not hasattr(things, "__iter__"):
        raise UsageError(f"{what} is a list; write {what}=[...], not {type(things).__name__}")
    return tuple(things)


def name_here(word: str) -> str | None:
    """What does here what other packages have under that name, as a sentence; None for a name that they do not have."""
    told = _found(word, _NAMES)
    return f"stretto has no {word!r}; {told}" if told else None


def method_here(kind: str, word: str) -> str | None:
    """The same for a method of a worker."""
    told = _found(word, _CALLS)
    return f"{kind!r} object has no attribute {word!r}; {told}" if told else None


def _found(word: str, among: Mapping[str, str]) -> str | None:
    return next((ours for ours, theirs in among.items() if word in theirs.split()), None)
