"""The time of day and chance as the code under test sees them past stretto: `time.time()` and `random`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NAMES = ("time", "time_ns", "perf_counter_ns")


@contextmanager
def replaced(seed: int, seen: Callable[[], float], true: Callable[[], float]) -> Iterator[None]:
    """Let `time.time()` say what `seen` says, durations follow `true`, and `random` follow the seed."""
    real, state = [getattr(time, name) for name in _NAMES], random.getstate()
    virtual = seen, lambda: int(seen() * 1e9), lambda: int(true() * 1e9)
    try:
        random.seed(seed)
        for name, function in zip(_NAMES, virtual, strict=True):
            setattr(time, name, function)
        yield
    finally:
        random.setstate(state)
        for name, function in zip(_NAMES, real, strict=True):
            setattr(time, name, function)
