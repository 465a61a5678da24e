"""`run` and `start`: for programs without an event loop of their own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from stretto.app.code import reference
from stretto.app.conversing import UNSAID
from stretto.app.handle import Run
from stretto.app.host import App
from stretto.app.policies import Policy
from stretto.core.errors import UsageError
from stretto.core.guesses import guided
from stretto.core.ports import Model
from stretto.core.values import Budget
from stretto.models.pace import Limit
from stretto.runtime.workflow import as_worker


@guided
def run(
    worker: Any,
    input: Any = None,
    *,
    id: str | None = None,
    db: str | None = None,
    policy: Policy | None = None,
    budget: str | Budget | None = None,
    approve: Sequence[str] = (),
    model: str | Model | None = None,
    deps: Any = None,
    models: Mapping[str, str] | None = None,
    limits: Mapping[str, str | int | Limit] | None = None,
    telemetry: str | bool | None = None,
    traceparent: str = "",
) -> Any:
    """Run a worker to its end and return its output.

    The same `id` continues a run. `db` is a path, `sqlite:///PATH` or ":memory:"; without it STRETTO_DB or
    `.stretto/runs.db`. `approve` names tools whose calls are answered yes. `models` and `limits` are as in `App`. `telemetry` and
    `traceparent`: see docs/telemetry.md. Raises `RunWaiting` (with `.approvals`),
    `RunFailed`, `ReplayMismatch`.
    """
    app = App(db=db, policy=policy, model=model, deps=deps, models=models, limits=limits, telemetry=telemetry)
    names = sys._getframe(2).f_globals
    return _start("run", app, worker, input, id, budget, approve, traceparent, names).conclude()


@guided
def start(
    worker: Any,
    input: Any = UNSAID,
    *,
    id: str | None = None,
    db: str | None = None,
    policy: Policy | None = None,
    budget: str | Budget | None = None,
    approve: Sequence[str] = (),
    model: str | Model | None = None,
    deps: Any = None,
    models: Mapping[str, str] | None = None,
    limits: Mapping[str, str | int | Limit] | None = None,
    telemetry: str | bool | None = None,
    traceparent: str = "",
) -> Run:
    """Like `run`, but returns the run itself once it has ended or waits, whatever came of it.

    An agent that is given no input begins a conversation: `say` tells it something, and returns the reply.
    """
    app = App(db=db, policy=policy, model=model, deps=deps, models=models, limits=limits, telemetry=telemetry)
    names = sys._getframe(2).f_globals
    return _start("start", app, worker, input, id, budget, approve, traceparent, names)


def _start(
    what: str,
    app: App,
    worker: Any,
    input: Any,
    id: str | None,
    budget: str | Budget | None,
    approve: Sequence[str],
    traceparent: str,
    names: dict[str, Any],
) -> Run:
    _refuse_live_loop(what)

    async def begin() -> Run:
        code = reference(worker, names)
        run = await app.start(
            as_worker(worker), input, id=id, budget=budget, approve=approve, code=code, traceparent=traceparent
        )
        await app.settled(run.id)
        return await run.refresh()

    return app.in_own_loop(begin())


def _refuse_live_loop(what: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UsageError(
        f"{what}() was called inside a running event loop; use `async with App([...]) as app:` and "
        "`await app.start(...)` there"
    )
