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


def _text(description: str, format: str = "") -> Shape:
    return _said(description, type="string", **({"format": format} if format else {}))


def _names(description: str, format: str = "") -> Shape:
    return _said(description, type="array", items=_text("a name", format))


_MODEL = _said(
    "PROVIDER:MODEL, test:script.json, app.py:model, or a list to fall back on in order",
    type=["string", "array"],
    format="model",
)
_KIND = _said(
    "text, integer, number, bool, any, `a | b`, [type], a mapping of fields, or app.py:Type; `?` makes it optional",
    format="type",
)
_BUDGET = _text("such as $0.50, 2000 tokens or 20 calls", "budget")
_DURATION = _said("seconds, or text such as 2 min or 14d", type=["string", "number"], format="duration")
_BOOL: Shape = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_AT_LEAST_1 = {"type": "integer", "minimum": 1}
_TO = _text("who is asked")


def _stage(description: str, format: str = "stage") -> Shape:
    return _said(description, **{**_STAGE, "format": format})


def _stages(description: str) -> Shape:
    return _said(description, type="array", items=_STAGE, minItems=1)


_STAGE: Shape = {"$ref": "#/$defs/stage", "format": "stage"}

AGENT = _object(
    {
        "model": _MODEL,
        "instructions": _text("what it is told first; app.py:function makes it of the input", "instructions"),
        "instructions_file": _text("a file beside this one that holds the instructions", "file"),
        "tools": _names("names of tools, workers and agents, or app.py:name", "tool"),
        "handoffs": _names("agents that the conversation may go to", "receiver"),
        "input": _KIND,
        "output": _KIND,
        "guards": _names("what checks the input before any model is asked: workers, or app.py:function", "check"),
        "refusal": _text("what is answered where a guard refuses; without it the task fails"),
        "accept": _names(
            "what checks the answer: workers, or app.py:function; the reason goes back to the model", "check"
        ),
        "about": _text("what it is good for; planners choose by it"),
        "twin": _text("a worker that does the job by rules where the run has no model", "worker"),
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
        "to": _TO,
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

_SHOWN = {
    "question": _text("what the person is asked", "wording"),
    "when": _text("only where this holds of what comes in: confidence < 0.7, not sure; or app.py:rule", "rule"),
    "to": _TO,
    "expires": _DURATION,
}

FIELDS: dict[str, Shape] = {
    "pipeline": _object({"workers": {**_stages("stages in a row"), "format": "row"}}, "workers"),
    "fallback": _object({"workers": _stages("stages of which the first that works counts")}, "workers"),
    "route": _object(
        {
            "by": _stage("a worker or app.py:rule that gives one of the choices' names"),
            "choices": _said("stages by name", type="object", additionalProperties=_STAGE),
            "otherwise": _stage("the stage for every other answer"),
        },
        "by",
        "choices",
    ),
    "loop": _object(
        {
            "do": _stage("the stage that is repeated"),
            "check": _stage("the stage that gives a verdict on each draft"),
            "until": _text("a field of the verdict: ok, not rejected, score >= 0.8; or app.py:rule", "rule"),
            "max": _AT_LEAST_1,
            "otherwise": _stage("the stage that gets the last draft if `until` never held"),
        },
        "do",
        "until",
    ),
    "each": _object(
        {
            "worker": _stage("who gets each item of the list that comes in"),
            "limit": _AT_LEAST_1,
            "on_error": {"type": "string", "enum": ["raise", "collect"]},
        },
        "worker",
    ),
    "map_reduce": _object(
        {
            "map": _stage("who gets each piece of the text that comes in"),
            "reduce": _stage("who gets what came of the pieces, as many at once as fit"),
            "size": {**_AT_LEAST_1, "description": "the most tokens of a piece"},
            "limit": _AT_LEAST_1,
            "field": _text("the field that holds the text, where an object comes in"),
        },
        "map",
        "reduce",
    ),
    "compete": _object(
        {
            "workers": _stages("who does the job; the best answer is taken"),
            "judge": _stage("who gives each answer a score: value and reason, or a number"),
            "accept": _said("a score that is good enough to end the others", type="number"),
            "n": {**_AT_LEAST_1, "description": "how often each of them tries"},
            "limit": _AT_LEAST_1,
        },
        "workers",
        "judge",
    ),
    "debate": _object(
        {
            "workers": _stages("who speaks, in this order"),
            "judge": _stage("who says whether they agree: agreed, answer and reason, or a bool"),
            "rounds": _AT_LEAST_1,
        },
        "workers",
    ),
    "group_chat": _object(
        {
            "workers": _stages("who speaks, in this order unless `next` says otherwise"),
            "next": _stage("a worker or app.py:rule that names who speaks, or nobody"),
            "until": _text("of the last turn: said.ok, speaker == ann; or app.py:rule of all turns", "rule"),
            "max": {**_AT_LEAST_1, "description": "how many turns at most"},
        },
        "workers",
    ),
    "gate": _object(
        {
            **_SHOWN,
            "then": _stage("the stage that gets what was accepted"),
            "otherwise": _stage("the stage that gets a rejected draft with the reason; its result goes on instead"),
            "revise": _stage(
                "the stage that gets a rejected draft with the reason; its result is shown again", "revision"
            ),
        },
        "question",
    ),
    "review": _object(
        {
            **_SHOWN,
            "rejected": _stage(
                "the stage that gets a rejected draft with the reason; its result ends the flow", "way out"
            ),
            "revise": _stage(
                "the stage that gets a rejected draft with the reason; its result is shown again", "revision"
            ),
        },
        "question",
    ),
    "ask": _object(
        {"question": _text("what the person is asked", "wording"), "type": _KIND, "to": _TO, "expires": _DURATION},
        "question",
    ),
    "person": _object(
        {
            "name": _text("who it is"),
            "to": _TO,
            "question": _text("what they are asked; otherwise what comes in, if it is text", "wording"),
            "output": _KIND,
            "expires": _DURATION,
        },
        "name",
    ),
    "orchestrate": _object(
        {
            "workers": _names("who gets tasks", "worker"),
            "model": _MODEL,
            "goal": _text("the goal, with {goal} and {input}; otherwise the stage's input", "wording"),
            "name": _text("what it is called"),
            "planner": _text("a worker that plans instead of the model", "worker"),
            "reviewer": _text("a worker that reviews instead of the model", "worker"),
            "integrator": _text("a worker that integrates instead of the model", "worker"),
            "judge": _text("a worker that gives the whole a score from 0 to 1", "worker"),
            "accept": _said("the score from which on the whole is good enough", type="number", minimum=0, maximum=1),
            "otherwise": _text("a worker for tasks that no other is named for, and goals without a plan", "worker"),
            "resolve": _text(
                "what decides where results contradict each other: first, last, majority, or a worker", "resolver"
            ),
            "approve_plan": _said("true, or who is to approve the plan", type=["boolean", "string"]),
            "repair": _COUNT,
            "max_plans": _AT_LEAST_1,
            "limit": _AT_LEAST_1,
            "budget": _BUDGET,
            "retry": _COUNT,
            "timeout": _DURATION,
        },
        "workers",
    ),
}
"""What is said of a kind of stage behind its name; where one field is enough, its value may stand there alone."""


def _behind(kind: str, fields: Shape) -> Shape:
    first, *others = fields["required"]
    return _object({kind: fields if others else {"anyOf": [fields["properties"][first], fields]}}, kind)


STAGES: dict[str, Shape] = {
    "parallel": _object(
        {
            "parallel": {
                **_said("stages at once: a list, or by name", type=["array", "object"]),
                "items": _STAGE,
                "additionalProperties": _STAGE,
            },
            "limit": _AT_LEAST_1,
            "min_success": _AT_LEAST_1,
            "merge": _text("a worker, or app.py:function, that makes one value of the results", "merge"),
        },
        "parallel",
    ),
    "tool": _object(
        {"tool": _text("the tool's name", "call"), "with": _said("fixed arguments", type="object", format="fixed")},
        "tool",
    ),
    **{kind: _behind(kind, fields) for kind, fields in FIELDS.items()},
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
        "flow": _stages("stages in a row; each one's output is the next one's input"),
        "on": _said("what starts it", **TRIGGERS),
        "policy": _said("rules about the run's tools", **POLICY),
        "budget": _text("of the whole run, such as $2", "budget"),
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
