"""Messages between the tasks of one run, while they run: of a declared type, each received once.

    findings = channel("findings", Finding)                    # inert data, anywhere in a module

    await findings.send(Finding("EV", 12), to="write")         # in one branch
    finding = await findings.receive()                         # in another: waits until there is one

Who receives what depends on time, so it is recorded: a resumed run goes on with what was not received yet.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar, cast

from stretto.core.canonical import Fragment, encode
from stretto.core.errors import Starved, UsageError
from stretto.core.events import Encoded
from stretto.runtime.acts import Act, Nothing, Sent, sent
from stretto.runtime.board import NAME, board_of, key_of, refuse, settle
from stretto.runtime.cells import Post
from stretto.runtime.functions import here
from stretto.runtime.recording import MESSAGE
from stretto.runtime.scope import Scope
from stretto.tools.codec import ANYTHING, TypeCodec, codec_for, name_of

T = TypeVar("T")
_LONGEST = 200
"""Characters of a worker's name."""


@dataclass(frozen=True)
class Channel(Generic[T]):
    """Messages of one type under one name; see `channel`."""

    name: str
    kind: object
    about: str = ""

    async def send(self, value: T, *, to: str = "") -> None:
        """Send a message to a worker of this run by its name; without one, to whoever receives first.

        It does not wait for anybody. A message that does not fit the channel's type is a `UsageError` that names the sender.
        """
        scope = here(f"{self.name}.send()")
        if len(to) > _LONGEST:
            raise UsageError(f"{scope.worker} sends on {self.name!r} to {to[:40]!r}..., which is no worker's name")
        body = {"schema": name_of(self.kind), "to": to, "value": Fragment(self._stored(scope.worker, value))}
        request, name = encode(body), f"{self.name}.send"
        ident = scope.identify(MESSAGE, name, request)
        record = scope.recall(ident)
        board = board_of(scope.run)
        queue = board.queue(self.name)
        if record is not None and record.ended is not None:
            return
        await scope.frontier(name)
        key = key_of(scope, ident)
        again = key in queue.made  # by another attempt of the task
        result = {"by": scope.worker, "to": to, "channel": self.name, "number": queue.sent + (not again)}
        result |= ({"key": key} if key else {}) | ({"again": True} if again else {})
        kept = settle(scope, MESSAGE, name, ident, request, result)
        if not again:
            queue.made |= {key} if key else set()
            queue.send(scope.worker, to, Encoded(request))
            for news in board.waiting.get(self.name, ()):
                if not news.done():
                    news.set_result(None)
        await scope.run.commit(kept)

    async def receive(self) -> T:
        """The oldest message for this worker that nobody has received yet; waits until there is one.

        Raises `Starved` where all that is left of the run waits for messages. `timeout(60, findings.receive())` limits it.
        """
        scope, name = here(f"{self.name}.receive()"), f"{self.name}.receive"
        ident = scope.identify(MESSAGE, name, b"")
        record = scope.recall(ident)
        queue = board_of(scope.run).queue(self.name)
        if record is not None and record.ended is not None:
            await scope.revive(record, ANYTHING)  # raises, where nobody was left to send
            return await self._value(scope, queue.past.pop((scope.key, ident)))
        await scope.frontier(name)
        key = key_of(scope, ident)
        post = queue.given.get(key)
        while post is None and (post := queue.next_for(scope.worker)) is None:
            await self._news(scope, ident)
        result = {"by": scope.worker, "channel": self.name, "number": post.number}
        settle(scope, MESSAGE, name, ident, None, result | ({"key": key} if key else {}))
        queue.take(post, key)
        return await self._value(scope, post)

    async def _news(self, scope: Scope, ident: str) -> None:
        """Wait until somebody has sent something."""
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = board_of(scope.run).waiting.setdefault(self.name, [])
        waiting.append(news)
        try:
            await scope.run.parking.until(news, starves=True)
        except Starved:
            error = Starved(
                f"{scope.worker} waits for a message on {self.name!r}, and all others who could send one wait as well, "
                "or have ended"
            )
            raise refuse(scope, MESSAGE, f"{self.name}.receive", ident, error) from None
        finally:
            waiting.remove(news)

    # ---- for agents

    @cached_property
    def sender(self) -> Act:
        """The tool `send_NAME`, for agents."""

        async def send(given: Sent[T]) -> str:
            await self.send(given.message, to=given.to)
            return "Sent."

        return Act(f"send_{self.name}", f"Send a message to a worker of this run{self._about}.", sent(self.kind), send)

    @cached_property
    def receiver(self) -> Act:
        """The tool `receive_NAME`, for agents."""
        about = f"Receive the next message for you; waits until there is one{self._about}."
        return Act(f"receive_{self.name}", about, Nothing, lambda _: self.receive())

    def tools(self) -> list[Act]:
        """Both, for `Agent(tools=[*findings.tools()])`."""
        return [self.sender, self.receiver]

    @property
    def _about(self) -> str:
        return f": {self.about}" if self.about else ""

    # ---- how it is kept

    @cached_property
    def codec(self) -> TypeCodec[T]:
        """How its messages cross the journal."""
        return codec_for(self.kind)

    def _stored(self, by: str, value: object) -> bytes:
        try:
            return self.codec.dump(cast(T, value))  # it looks
        except ValueError as error:
            raise UsageError(
                f"{by} sends on {self.name!r} what is no {name_of(self.kind)}, and was not sent: {error}"
            ) from error

    async def _value(self, scope: Scope, post: Post) -> T:
        return self.codec.load((await scope.run.value(post.request))["value"])

    def __hash__(self) -> int:
        return hash(self.name)


def channel(name: str, kind: type[T], *, about: str = "") -> Channel[T]:
    """A channel of messages of a type between the tasks of one run; each run has its own. `about` is for models."""
    if not NAME.fullmatch(name):
        raise UsageError(f"channel {name!r}: a name is made of ASCII letters, digits and _, at most 40 of them")
    return Channel(name, kind, about)
