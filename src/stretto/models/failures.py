"""Which failed model calls may succeed when tried again."""

from __future__ import annotations

_PASSING = frozenset({408, 409, 425, 429})


def retryable(status: int | None) -> bool:
    """Whether the same call may succeed later: after no answer at all, a limit, a conflict, or the server's fault."""
    return status is None or status in _PASSING or status >= 500
