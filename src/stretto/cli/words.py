"""Numbers and times as people read them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from decimal import Decimal

from stretto.core.values import Spend

MICRO = 1_000_000


def duration(microseconds: int) -> str:
    """`0.4 s`, `12 s`, `3:05`, `2:10:07`, `3 d 4 h`."""
    seconds = max(0, microseconds) / MICRO
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    if whole < 86_400:
        return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{whole // 86_400} d {whole // 3600 % 24} h"


def moment(microseconds: float) -> str:
    """A time of day here, with the date where it is not today's."""
    then, now = time.localtime(microseconds / MICRO), time.localtime()
    return time.strftime("%H:%M:%S" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def tokens(count: int) -> str:
    """`812`, `4.2k`, `1.3M`."""
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 999_950 else f"{count / 1e6:.1f}M"


def money(usd: Decimal) -> str:
    """`$0.0042`, `$0.31`, `$12.40`."""
    return f"${usd:.2f}" if usd >= Decimal("0.1") or not usd else f"${usd:.4f}"


def spent(spend: Spend) -> str:
    """What a run used, in a few words; empty where it called no model."""
    if not spend.calls:
        return ""
    unpriced = f" (+ {counted(spend.unpriced, 'call')} of unknown price)" if spend.unpriced else ""
    return f"{tokens(spend.input + spend.output)} tokens · {money(spend.usd)}{unpriced}"


def counted(number: int, noun: str) -> str:
    """`1 task`, `3 tasks`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def cost(spend: Spend) -> dict[str, object]:
    """What was used, for programs; dollars as text, since they are exact."""
    return {
        "usd": str(spend.usd),
        "input": spend.input,
        "output": spend.output,
        "calls": spend.calls,
        "unpriced": spend.unpriced,
    }


def table(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines under a title, after an empty one; nothing where there are none."""
    rows = list(lines)
    if rows:
        yield from ("", title, *rows)
