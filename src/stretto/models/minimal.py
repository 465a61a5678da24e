"""The smallest value that a JSON schema allows: what a model without a mind answers when its output is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_FORMATS = {
    "date": "1970-01-01",
    "date-time": "1970-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "nobody@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}


def minimal(schema: Schema) -> Any:
    """The default, constant or first choice where the schema has one, else the smallest value of its type.

    Follows local references; a `pattern` is not followed.
    """
    return _value(schema, schema)


def _value(schema: Schema, root: Schema) -> Any:
    if "$ref" in schema:
        return _value(_target(schema["$ref"], root), root)
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    if choices := schema.get("enum"):
        return choices[0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return _value(min(options, key=lambda option: option.get("type") != "null"), root)
    if parts := schema.get("allOf"):
        return _value({key: value for part in parts for key, value in _resolved(part, root).items()}, root)
    return _typed(schema, root)


def _typed(schema: Schema, root: Schema) -> Any:
    kinds = schema.get("type", "object" if "properties" in schema else "null")
    kind = kinds if isinstance(kinds, str) else min(kinds, key=lambda one: one != "null")
    match kind:
        case "object":
            fields = schema.get("properties", {})
            return {name: _value(fields.get(name, {}), root) for name in schema.get("required", ())}
        case "array":
            return _items(schema, root)
        case "string":
            return _FORMATS.get(schema.get("format", ""), "").ljust(schema.get("minLength", 0), "x")
        case "integer" | "number":
            return _number(schema, kind)
        case "boolean":
            return False
        case _:
            return None


def _items(schema: Schema, root: Schema) -> list[Any]:
    first = [_value(item, root) for item in schema.get("prefixItems", ())]
    rest = schema.get("items") or {}
    return first + [_value(rest, root) for _ in range(len(first), schema.get("minItems", 0))]


def _number(schema: Schema, kind: str) -> int | float:
    """Zero, or the nearest allowed number to it."""
    step = schema.get("multipleOf", 1)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    number: int | float = 0
    if low is not None and number <= low:
        number = low if "minimum" in schema else low + step
    elif high is not None and number >= high:
        number = high if "maximum" in schema else high - step
    number = number if number % step == 0 else number + step - number % step
    return int(number) if kind == "integer" else number


def _target(reference: str, root: Schema) -> Schema:
    target: Any = root
    for key in reference.removeprefix("#/").split("/"):
        target = target[key]
    return dict(target)


def _resolved(schema: Schema, root: Schema) -> Schema:
    return _target(schema["$ref"], root) if "$ref" in schema else schema
