"""What a worker's answer comes down to, whatever type it has: a label, a number, or yes or no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from stretto.core.canonical import decode, encode

_AROUND = " \t\r\n.,:;!?\"'`*_()[]"


def label_of(said: object) -> str:
    """The text itself, the value of an enum, or the field `label` (else the only field) of a typed answer."""
    if isinstance(said, Enum):
        said = said.value
    if not isinstance(said, str | int | float | None):
        fields = decode(encode(said))
        if isinstance(fields, dict):
            said = fields["label"] if "label" in fields else fields.popitem()[1] if len(fields) == 1 else fields
    return str(said).strip()


def meant(label: str, names: Iterable[str]) -> str | None:
    """The name that a label means: as it is written, else but for case and the punctuation around it; None for none."""
    known = list(names)
    if label in known:
        return label
    bare = label.strip(_AROUND).casefold()
    alike = [name for name in known if name.strip(_AROUND).casefold() == bare]
    return alike[0] if len(alike) == 1 else None


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
