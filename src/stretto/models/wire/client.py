"""One call of a provider: our request out, our reply in, every failure a `ModelError`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model as LayerModel

from stretto.core.blobs import Blob
from stretto.core.messages import Delta, ModelReply, ModelRequest
from stretto.models.vendors import Endpoint
from stretto.models.wire import incoming, outgoing
from stretto.models.wire.failures import FAILURES, failure


class _Closing(asyncio.Task[None]):
    """Goes on where a loop that ends cancels all its tasks: some of the connections would stay open otherwise."""

    def cancel(self, msg: object = None) -> bool:
        return False


class Client:
    """The models layer's driver of one endpoint, with its connections."""

    def __init__(self, name: str, endpoint: Endpoint, max_output: int, fetch: Blob | None) -> None:
        """`fetch` gives the bytes of a stored image or document by its digest."""
        self.name = name
        self.endpoint = endpoint
        self.max_output = max_output
        self._fetch = fetch
        self._model = _built(endpoint)
        self._closing: asyncio.Task[None] | None = None

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None) -> ModelReply:
        """One answer, streamed where somebody watches."""
        vendor = self.endpoint.vendor.name
        said: dict[str, Any] = {
            "model": self._model,
            "messages": await outgoing.conversation(request.messages, vendor, self._fetch),
            "model_settings": outgoing.settings(request, self.max_output),
            "model_request_parameters": outgoing.parameters(request, typed=self._takes_schema()),
        }
        try:
            if watch is None:
                response = await model_request(**said)
            else:
                response = await _streamed(said, watch, incoming.Pieces(wrapped=incoming.is_wrapped(request.output)))
        except FAILURES as error:
            raise failure(error, self.name, self.endpoint) from error
        return incoming.reply(response, vendor, request.output)

    async def close(self) -> None:
        """Give up the connections; whoever asks for it while it is done waits for the same end."""
        if self._closing is None:
            self._closing = _Closing(self._close(), loop=asyncio.get_running_loop())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        async with self._model:
            pass

    def _takes_schema(self) -> bool:
        return self._model.profile.get("supports_json_schema_output", False)


async def _streamed(said: dict[str, Any], watch: Callable[[Delta], None], pieces: incoming.Pieces) -> ModelResponse:
    async with model_request_stream(**said) as stream:
        async for event in stream:
            if (delta := pieces.delta(event)) is not None:
                watch(delta)
        response = stream.get()
    if response.finish_reason is None:
        raise UnexpectedModelBehavior("the stream ended before the answer did")
    return response


def _built(endpoint: Endpoint) -> LayerModel:
    vendor = endpoint.vendor
    provider = _class(vendor.provider)(api_key=endpoint.key, base_url=endpoint.base)
    model: LayerModel = _class(vendor.model)(endpoint.model, provider=provider, **_profile(endpoint))
    return model


def _profile(endpoint: Endpoint) -> dict[str, Any]:
    """In Chat Completions a stream that just stops is an error, not an answer, and a local server is given the older
    `max_tokens`, which all of them know and OpenAI itself refuses for its newer models; and every setting that was said,
    of which OpenAI's reasoning models take no `temperature`."""
    if not endpoint.vendor.model.endswith(("OpenAIChatModel", "OllamaModel")):
        return {}
    return {
        "profile": {
            "openai_chat_streaming_requires_finish_reason": True,
            "openai_chat_supports_max_completion_tokens": not endpoint.local,
            **({"openai_supports_reasoning": False} if endpoint.local else {}),
        }
    }


def _class(place: str) -> Any:
    """A class of the table of vendors, by `module:class`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
