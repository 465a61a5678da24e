"""`replay:ID`: a model that answers as a recorded run's models did, and costs nothing."""

from __future__ import annotations

from collections.abc import Callable

from stretto.core.blobs import fetched
from stretto.core.canonical import digest
from stretto.core.errors import ModelError, UsageError
from stretto.core.events import StepDone, StepIntended
from stretto.core.messages import FREE, Delta, ModelReply, ModelRequest, Rates, Usage, unlink
from stretto.core.ports import Store


class RecordedModel:
    """Gives the answer that was recorded for the same conversation, tools and settings."""

    rates: Rates | None = FREE
    window = 10_000_000
    max_output = 100_000

    def __init__(self, run: str, store: Store) -> None:
        self.name = f"replay:{run}"
        self._run, self._store = run, store
        self._answers: dict[tuple[str, str], StepDone] | None = None

    async def reply(self, request: ModelRequest, watch: Callable[[Delta], None] | None = None) -> ModelReply:
        """See `Model.reply`."""
        if self._answers is None:
            self._answers = await self._read()
        done = self._answers.get((request.conversation.head, digest(request.frame())))
        if done is None:
            raise ModelError(f"run {self._run} recorded no answer to this request; a prompt, tool or input differs")
        result = await fetched(done.result, self._store.blob)
        _, message = unlink(await self._store.blob(result["message"]))
        if watch is not None:
            watch(Delta(message.text))
        return ModelReply(message, Usage(*(done.usage or ())), done.model, result["finish"])

    def estimate(self, request: ModelRequest) -> int:
        """See `Model.estimate`."""
        return sum(len(message.text) for message in request.messages)

    async def _read(self) -> dict[tuple[str, str], StepDone]:
        rows = await self._store.read(self._run)
        if not rows:
            raise UsageError(
                f"there is no run {self._run!r} to replay in this database; `stretto list` shows what there is"
            )
        asked: dict[tuple[str, str], object] = {}
        answers: dict[tuple[str, str], StepDone] = {}
        for row in rows:
            if not row.ident.startswith("model "):
                continue
            match row.event():
                case StepIntended(request=request):
                    asked[row.scope, row.ident] = request
                case StepDone() as done:
                    request = await fetched(done.request or asked.get((row.scope, row.ident)), self._store.blob)
                    answers[request["conversation"], request["frame"]] = done
                case _:
                    continue
        return answers
