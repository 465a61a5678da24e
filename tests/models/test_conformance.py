"""Every driver of the port, through the same checks: the scripted model, and the providers over a local server."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest

from stretto.core.ports import Model
from stretto.models.resolve import resolve
from stretto.models.scripted import Script
from stretto.testing import MODEL_CHECKS, FakeProvider, ScriptedModel
from stretto.testing.conformance import Check, MakeModel


def scripted(script: Script) -> AbstractContextManager[Model]:
    return nullcontext(ScriptedModel(script))


def provider(name: str) -> MakeModel:
    @contextmanager
    def make(script: Script) -> Iterator[Model]:
        with FakeProvider(script) as fake:
            yield resolve(name, fake.environment)

    return make


DRIVERS: dict[str, MakeModel] = {
    "scripted": scripted,
    "chat": provider("openai:gpt-5-mini"),
    "responses": provider("openai-responses:gpt-5-mini"),
    "anthropic": provider("anthropic:claude-sonnet-4-6"),
    "ollama": provider("ollama:llama3.3"),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
def test_a_driver_does_what_the_port_says(check: Check, driver: str) -> None:
    asyncio.run(check(DRIVERS[driver]))
