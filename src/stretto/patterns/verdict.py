"""A judge's verdict, whatever type it has: the one number, or yes or no, that it comes down to."""

from __future__ import annotations

from collections.abc import Mapping

from stretto.core.canonical import decode, encode


def the_one(said: object, name: str, kinds: tuple[type, ...]) -> tuple[float | None, Mapping[str, object]]:
    """What a verdict comes down to: itself, its field `name`, or else its only field of these types; and all its fields.

    None where there is no such thing.
    """
    if type(said) in kinds:
        return said, {}  # type: ignore[return-value]  # it is of these types
    fields = decode(encode(said))
    if not isinstance(fields, dict):
        return None, {}
    found = [value for value in fields.values() if type(value) in kinds]
    one = fields.get(name)
    if type(one) in kinds:
        return one, fields
    return found[0] if len(found) == 1 else None, fields
