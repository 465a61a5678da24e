"""The suite is worth something only if each of its checks can fail."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import pytest

from stretto.core.errors import ModelError
from stretto.core.messages import Conversation, Delta, Message, ModelReply, ModelRequest, Usage
from stretto.core.ports import Model
from stretto.models.scripted import Script
from stretto.testing import MODEL_CHECKS, ScriptedModel, model_conformance
from stretto.testing.conformance import Check

Watch = Callable[[Delta], None] | None


class Broken(ScriptedModel):
    """Wrong in every way at once, so that no check can pass."""

    async def reply(self, request: ModelRequest, watch: Watch = None) -> ModelReply:
        last = request.messages[-1]
        lost = ModelRequest(Conversation.of([replace(last, role="user", parts=last.parts[:1])]))
        try:
            reply = await super().reply(lost)
        except ModelError:
            raise ModelError("something went wrong", status=418) from None
        words = reply.message.text.encode("ascii", "ignore").decode()
        return ModelReply(
            Message("assistant", (*Message("assistant", reply.message.parts[1:]).parts,)), Usage(10**6), words
        )

    def estimate(self, request: ModelRequest) -> int:
        return 1


def broken(script: Script) -> AbstractContextManager[Model]:
    return nullcontext(Broken(script))


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
def test_a_broken_driver_fails_every_check(check: Check) -> None:
    with pytest.raises((AssertionError, ModelError, ValueError, IndexError, TimeoutError)):
        asyncio.run(asyncio.wait_for(check(broken), timeout=1))


def test_the_suite_runs_as_one() -> None:
    asyncio.run(model_conformance(lambda script: nullcontext(ScriptedModel(script))))
    with pytest.raises((AssertionError, ModelError)):
        asyncio.run(model_conformance(broken))
