"""What may stand in a flow file, as JSON schemas: the loader refuses by them, and editors complete by them."""

from __future__ import annotations

from typing import Any

from stretto.app.flows.source import Shape
from stretto.policy.gate import LEVELS


def _said(description: str, **more: Any) -> Shape:
    return {"description": description, **more}


def _object(properties: dict[str, Shape], *required: str) -> Shape:
    return {
        "type": "object",
        "properties": properties,
        "required": [*required],
        "additionalProperties": False,
    }


def _text(description: str) -> Shape:
    return _said(description, type="string")


def _names(description: str) -> Shape:
    return _said(description, type="array", items={"type": "string"})


_MODEL = _said(
    "PROVIDER:MODEL, test:script.json, app.py:model, or a list to fall back on in order", type=["string", "array"]
)
_KIND = _said(
    "text, integer, number, bool, any, `a | b`, [type], a mapping of fields, or app.py:Type; `?` makes it optional"
)
_BUDGET = _text("such as $0.50, 2000 tokens or 20 calls")
_DURATION = _said("seconds, or text such as 2 min or 14d", type=["string", "number"])
_STAGE: Shape = {"$ref": "#/$defs/stage"}
_STAGES = _said("stages in a row", type="array", items=_STAGE)
_BOOL: Shape = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_AT_LEAST_1 = {"type": "integer", "minimum": 1}

AGENT = _object(
    {
        "model": _MODEL,
        "instructions": _text("what it is told first; app.py:function makes it of the input"),
        "instructions_file": _text("a file beside this one that holds the instructions"),
        "tools": _names("names of tools, workers and agents, or app.py:name"),
        "handoffs": _names("agents that the conversation may go to"),
        "input": _KIND,
        "output": _KIND,
        "guards": _names("what checks the input before any model is asked: workers, or app.py:function"),
        "refusal": _text("what is answered where a guard refuses; without it the task fails"),
        "accept": _names("what checks the answer: workers, or app.py:function; the reason goes back to the model"),
        "about": _text("what it is good for; planners choose by it"),
        "twin": _text("a worker that does the job by rules where the run has no model"),
        "budget": _BUDGET,
        "retry": _COUNT,
        "limit": {**_AT_LEAST_1, "description": "how many of its tasks are at work at once in a run"},
        "timeout": _DURATION,
        "max_turns": _AT_LEAST_1,
        "repair": _COUNT,
        "compaction": _BOOL,
        "temperature": {"type": "number", "minimum": 0},
        "top_p": {"type": "number", "minimum": 0},
        "max_tokens": _AT_LEAST_1,
        "seed": {"type": "integer"},
        "settings": _said("further settings of the model", type="object"),
    }
)

TOOL = _object(
    {
        "use": _text("app.py:name"),
        "description": _text("what the model is told of it"),
        "risk": {"type": "string", "enum": ["low", "medium", "high"]},
        "effect": {"type": "string", "enum": ["read", "idempotent", "once"]},
        "external": _BOOL,
        "irreversible": _BOOL,
        "to": _text("who is asked"),
        "expires": _DURATION,
        "timeout": _DURATION,
        "retry": _COUNT,
    },
    "use",
)

POLICY = _object(
    {
        "autonomy": {"type": "string", "enum": [*LEVELS]},
        "allow": _names("tools that run without asking"),
        "ask": _names("tools that always ask"),
        "deny": _names("tools that never run"),
    }
)

TRIGGERS = _object(
    {
        "cron": _text("five fields: minute hour day month weekday, such as 0 8 * * MON"),
        "webhook": _text("the name under which it is posted to"),
        "event": _text("the name of the event that starts it"),
    }
)

REVIEW = _object(
    {
        "question": _text("what the reviewer is asked"),
        "when": _text("only where this holds of what comes in: confidence < 0.7, not sure; or app.py:rule"),
        "to": _text("who is asked"),
        "expires": _DURATION,
        "rejected": _said("the stage that gets a rejected draft with the reason; its result ends the flow", **_STAGE),
        "revise": _said("the stage that gets a rejected draft with the reason; its result is reviewed again", **_STAGE),
    },
    "question",
)

ASK = _object(
    {"question": _text("what the person is asked"), "type": _KIND, "to": _text("who is asked"), "expires": _DURATION},
    "question",
)

ROUTE = _object(
    {
        "by": _said("a worker or app.py:rule that gives one of the choices' names", **_STAGE),
        "choices": _said("stages by name", type="object", additionalProperties=_STAGE),
        "otherwise": _said("the stage for every other answer", **_STAGE),
    },
    "by",
    "choices",
)

LOOP = _object(
    {
        "do": _said("the stage that is repeated", **_STAGE),
        "check": _said("the stage that gives a verdict on each draft", **_STAGE),
        "until": _text("a field of the verdict: ok, not rejected, score >= 0.8; or app.py:rule"),
        "max": _AT_LEAST_1,
        "otherwise": _said("the stage that gets the last draft if `until` never held", **_STAGE),
    },
    "do",
    "until",
)

ORCHESTRATE = _object(
    {
        "workers": _names("who gets tasks"),
        "model": _MODEL,
        "goal": _text("the goal, with {goal} and {input}; otherwise the stage's input"),
        "name": _text("what it is called"),
        "planner": _text("a worker that plans instead of the model"),
        "reviewer": _text("a worker that reviews instead of the model"),
        "integrator": _text("a worker that integrates instead of the model"),
        "judge": _text("a worker that gives the whole a score from 0 to 1"),
        "accept": _said("the score from which on the whole is good enough", type="number", minimum=0, maximum=1),
        "otherwise": _text("a worker for tasks that no other is named for, and goals without a plan"),
        "resolve": _text("what decides where results contradict each other: first, last, majority, or a worker"),
        "approve_plan": _said("true, or who is to approve the plan", type=["boolean", "string"]),
        "repair": _COUNT,
        "max_plans": _AT_LEAST_1,
        "limit": _AT_LEAST_1,
        "budget": _BUDGET,
        "retry": _COUNT,
        "timeout": _DURATION,
    },
    "workers",
)

PARALLEL = _object(
    {
        "parallel": _said("stages at once: a list, or by name", type=["array", "object"]),
        "limit": _AT_LEAST_1,
        "min_success": _AT_LEAST_1,
        "merge": _text("app.py:function that makes one value of the results"),
    },
    "parallel",
)

COMPETE = _object(
    {
        "workers": _names("who does the job; the best answer is taken"),
        "judge": _text("a worker or app.py:function that gives each answer a score: value and reason, or a number"),
        "accept": _said("a score that is good enough to end the others", type="number"),
        "n": {**_AT_LEAST_1, "description": "how often each of them tries"},
        "limit": _AT_LEAST_1,
    },
    "workers",
    "judge",
)

DEBATE = _object(
    {
        "workers": _names("who speaks, in this order"),
        "judge": _text(
            "a worker or app.py:function that says whether they agree: agreed, answer and reason, or a bool"
        ),
        "rounds": _AT_LEAST_1,
    },
    "workers",
)

EACH = _object(
    {
        "worker": _text("who gets each item of the list that comes in"),
        "limit": _AT_LEAST_1,
        "on_error": {"type": "string", "enum": ["raise", "collect"]},
    },
    "worker",
)

CALL = _object({"tool": _text("the tool's name"), "with": _said("fixed arguments", type="object")}, "tool")

STAGES: dict[str, Shape] = {
    "parallel": PARALLEL,
    "tool": CALL,
    "pipeline": _object({"pipeline": _STAGES}, "pipeline"),
    "fallback": _object(
        {"fallback": {**_STAGES, "description": "stages of which the first that works counts"}}, "fallback"
    ),
    "route": _object({"route": ROUTE}, "route"),
    "loop": _object({"loop": LOOP}, "loop"),
    "compete": _object({"compete": COMPETE}, "compete"),
    "debate": _object({"debate": DEBATE}, "debate"),
    "each": _object({"each": {"anyOf": [_text("who gets each item"), EACH]}}, "each"),
    "review": _object({"review": {"anyOf": [_text("the question"), REVIEW]}}, "review"),
    "ask": _object({"ask": {"anyOf": [_text("the question"), ASK]}}, "ask"),
    "orchestrate": _object({"orchestrate": ORCHESTRATE}, "orchestrate"),
}
"""The kinds of stages beside a worker: each with the keys that stand beside its name."""

FLOW = _object(
    {
        "name": _text("what it is called; otherwise the file's name"),
        "about": _text("what it is good for"),
        "goal": _text("the goal of a run that is given none"),
        "model": {**_MODEL, "description": "the model of agents that name none"},
        "agents": _said("agents by name", type="object", additionalProperties=AGENT),
        "tools": _said(
            "tools by name: app.py:name", type="object", additionalProperties={"anyOf": [{"type": "string"}, TOOL]}
        ),
        "workers": _said(
            "workers by name: app.py:name or another flow.yaml", type="object", additionalProperties={"type": "string"}
        ),
        "flow": _said("stages in a row; each one's output is the next one's input", type="array", items=_STAGE),
        "on": _said("what starts it", **TRIGGERS),
        "policy": _said("rules about the run's tools", **POLICY),
        "budget": _said("of the whole run, such as $2", type="string"),
    },
    "flow",
)


def schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of flow files, for editors."""
    told: Shape = {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1, "maxProperties": 1}
    stage = {"anyOf": [{"type": "string"}, {"type": "array", "items": _STAGE}, *STAGES.values(), told]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "stretto flow",
        **FLOW,
        "$defs": {"stage": stage},
    }
