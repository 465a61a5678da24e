"""A model at a provider, behind our port. The models layer is imported when the first call is made."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING

from stretto.core.errors import ModelError
from stretto.core.messages import Delta, Media, ModelReply, ModelRequest, Rates
from stretto.models.tokens import DEAR_IMAGE, IMAGE, estimate
from stretto.models.vendors import Endpoint, Vendor

if TYPE_CHECKING:
    from stretto.models.wire.client import Client

_ENDS: dict[Client, AsyncGenerator[None]] = {}
"""What closes each client's connections when its loop ends: the loop itself holds such a generator only weakly."""


class ProviderModel:
    """One model of one provider. Connections belong to the event loop that made them, and are closed with it or with this."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        rates: Rates | None,
        window: int,
        max_output: int,
        blobs: Callable[[str], Awaitable[bytes]] | None = None,
    ) -> None:
        """`blobs` gives the bytes of a stored image or document by its digest; the rest is as the port has it."""
        self.name = name
        self.endpoint = endpoint
        self.rates = rates
        self.window = window
        self.max_output = max_output
        self._blobs = blobs
        self._image = DEAR_IMAGE if "4o-mini" in endpoint.model else IMAGE
        self._beyond = 0  # the most tokens that a request was billed for above its bound
        self._clients: dict[asyncio.AbstractEventLoop, Client] = {}

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        """One answer, in one HTTP request: retries are for whoever records them."""
        self._refuse_media(request)
        client = await self._client()
        reply = await client.reply(request, watch)
        self._beyond = max(self._beyond, reply.usage.input - self._bound(request))
        return reply

    def estimate(self, request: ModelRequest) -> int:
        """A bound on the input tokens, by `stretto.models.tokens` and by what was billed beyond it before."""
        return min(self._bound(request) + self._beyond, self.window - self.max_output)

    def _bound(self, request: ModelRequest) -> int:
        return estimate(request, self.window - self.max_output, self._image)

    def _refuse_media(self, request: ModelRequest) -> None:
        """Refuse what the provider cannot be shown, before anything is sent."""
        vendor = self.endpoint.vendor
        for message in request.messages:
            for part in message.parts:
                if isinstance(part, Media) and (why := vendor.refuses(part.media_type, part.url)):
                    raise ModelError(f"{self.name} cannot be asked this: {why}", sent=False)

    async def _client(self) -> Client:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            await asyncio.to_thread(_load, self.endpoint.vendor)
        if loop not in self._clients:
            from stretto.models.wire.client import Client  # noqa: PLC0415 - for real models only, as `_load` says

            client = Client(self.name, self.endpoint, self.max_output, self._blobs)
            open_ones = {loop: client for loop, client in self._clients.items() if not loop.is_closed()}
            self._clients = {**open_ones, loop: client}  # nothing is awaited before, so there is one client for all
            await anext(at_the_end := _close_at_the_end(client))
            _ENDS[client] = at_the_end
            weakref.finalize(self, _close_in, loop, client).atexit = False
        return self._clients[loop]


async def _close_at_the_end(client: Client) -> AsyncGenerator[None]:
    """Waits for the end: a loop that shuts down closes its async generators, and this one the connections."""
    try:
        yield
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    await client.close()
    _ENDS.pop(client, None)


def _close_in(loop: asyncio.AbstractEventLoop, client: Client) -> None:
    """Close the connections of a model that nobody holds any more, perhaps from the thread of a garbage collection."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: loop.create_task(_close(client)))


def _load(vendor: Vendor) -> None:
    """Import the models layer and the SDK: seconds of work, which no other run of this process shall wait for."""
    for module in ("stretto.models.wire.client", vendor.model, vendor.provider):
        import_module(module.partition(":")[0])
