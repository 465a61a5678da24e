"""What patterns share whose workers all get the same input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from stretto.core.ports import Codec
from stretto.runtime.worker import Out, Worker
from stretto.tools.codec import common


@dataclass(frozen=True)
class Peers(Worker[Any, Out]):
    """Workers that all get the same."""

    workers: tuple[Worker[Any, Out], ...]

    def taking(self, codec: Codec[Any]) -> Self:
        """See `Worker.taking`."""
        return replace(self, workers=tuple(worker.taking(codec) for worker in self.workers))

    @property
    def takes(self) -> Codec[Any]:
        """What the first one takes."""
        return self.workers[0].takes

    @property
    def gives(self) -> Codec[Any]:
        """What all of them give, where that is the same."""
        return common(worker.gives for worker in self.workers)

    @property
    def members(self) -> tuple[Worker[Any, Any], ...]:
        """The workers, in order."""
        return self.workers
