"""Fault sites: named places where a test may kill, fail or delay the process. Inert unless a plan is laid."""

from __future__ import annotations

from collections.abc import Callable

_plan: Callable[[str], None] | None = None


def site(name: str) -> None:
    """Pass a fault site."""
    if _plan is not None:
        _plan(name)


def lay(plan: Callable[[str], None] | None) -> None:
    """Let `plan` see every site that is passed from now on; None makes them inert again."""
    global _plan
    _plan = plan
