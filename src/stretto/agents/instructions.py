"""What an agent is instructed: text, or what a function makes of its input and of dependencies."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from stretto.core.errors import UsageError
from stretto.runtime.scope import Scope
from stretto.runtime.workflow import Workflow
from stretto.tools.codec import codec_for
from stretto.tools.signature import Signature, called, signature_of

Instructions = str | Callable[..., str | Awaitable[str]]
DECISION = "instructions"


async def instructed(scope: Scope, instructions: Instructions, value: object) -> str:
    """The text. What a function made is recorded, and read back when the run is resumed: what it reads may change.

    The function takes the input or nothing, and by keyword dependencies, which are injected by annotation.
    """
    if isinstance(instructions, str):
        return instructions
    ident = scope.identify("decision", DECISION, b"")
    found, text = await scope.decided(ident)
    if not found:
        await scope.frontier(DECISION)
        signature = signature_of(instructions)
        with scope.run.outside():
            text = instructions(*_given(signature, value), **signature.inject(scope.run.deps, scope.key))
            text = await text if inspect.isawaitable(text) else text
        if not isinstance(text, str):
            raise UsageError(
                f"{called(signature.function)}() makes instructions, so it returns text, not {type(text).__name__}"
            )
        scope.settle(ident, DECISION, text)
    return str(text)


def code_of(function: Callable[..., object]) -> object:
    """What a function that makes instructions does, as data."""
    return Workflow(function, called(function)).describe()


def wanted(instructions: Instructions) -> object:
    """The type of the input that instructions say they are made of; Any where they do not say."""
    if isinstance(instructions, str):
        return Any
    kinds = [parameter.annotation for parameter in signature_of(instructions).arguments.values()]
    return kinds[0] if kinds else Any


def _given(signature: Signature, value: Any) -> tuple[Any, ...]:
    if len(signature.arguments) > 1:
        raise UsageError(
            f"{called(signature.function)}({', '.join(signature.arguments)}) makes instructions of one value, the "
            "agent's input; let it take one argument, and dependencies by keyword"
        )
    kinds = [parameter.annotation for parameter in signature.arguments.values()]
    return tuple(codec_for(kind).check(value) for kind in kinds)
