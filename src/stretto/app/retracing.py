"""What is done with a run that was: going on, taking back, beginning anew in its middle, going through it again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stretto.app.parts import reachable_tools
from stretto.core.blobs import fetched
from stretto.core.canonical import encode
from stretto.core.errors import UsageError
from stretto.core.values import Settings
from stretto.runtime import engine
from stretto.runtime.outcome import Outcome
from stretto.runtime.reuse import EVERY_MODEL, GIVEN
from stretto.runtime.undo import UNDOES, Undo, made
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker

if TYPE_CHECKING:
    from stretto.app.handle import Run
    from stretto.app.host import App
    from stretto.core.ports import Model


async def again(app: App, worker: Worker[Any, Any], input: object, id: str, *, listens: bool) -> Run:
    """A run of this id exists: go on with it, if it is the same; see `App.start`."""
    around = app.around(Settings())
    begun = await engine.started(around, id)
    given = around.secrets.stored(worker.takes, input)[0]
    same = listens or encode(await fetched(begun.input, app.store.blob)) == given
    if begun.worker != worker.name or not same:
        what = "input" if begun.worker == worker.name else "worker"
        raise UsageError(
            f"run {id!r} exists with another {what}; the same id continues a run, a new run needs a new id"
        )
    run: Run = await app.get(id)  # in hand before it goes on, so that what is known of its events stays
    await app.take_up(id, retry=True, worker=worker)
    return await run.refresh()


async def undo(app: App, id: str, by: str) -> str:
    """Begin to take back what a run did, or go on with it; the id of the run that does. See `Run.undo`."""
    begun, rows = await engine.started(app.around(Settings()), id), await app.store.read(id)
    worker = await app.worker_that_began(begun)
    undo, new = Undo(worker, reachable_tools(worker)), f"{id}-undo"
    value = {"run": id, "by": by, "channel": app.channel, "calls": await made(rows, app.store.blob)}
    settings, code = Settings(autonomy=app.autonomy), f"{UNDOES}{id}"
    loaded = await engine.begin(app.around(settings, undo), undo, value, id=new, settings=settings, code=code)
    if loaded is not None:
        app.drive(loaded)
        return new
    if (await engine.started(app.around(Settings()), new)).code != code:
        raise UsageError(f"run {new!r} exists and undoes nothing; run {id!r} is undone under that id")
    await app.take_up(new, retry=True)
    return new


async def fork(
    app: App,
    id: str,
    at: int,
    *,
    worker: object = None,
    input: object = None,
    model: str | Model | None = None,
    budget: str | None = None,
) -> str:
    """The id of a new run from the facts of another up to event `at`, with another worker, input or model; see `Run.fork`."""
    begun = await engine.started(app.around(Settings()), id)
    known = as_worker(worker) if worker is not None else await app.worker_that_began(begun)
    if input is not None and at > 0:
        raise UsageError(
            "another input changes a run from its beginning; fork at 0 with it, finished tasks that it does not "
            "touch are reused all the same"
        )
    app.known.put(known)
    around = app.around(Settings())
    was = Settings(**(await fetched(begun.settings, app.store.blob) or {}))
    named = model if model is None or isinstance(model, str) else app.lend(model)
    extra = {**was.extra, EVERY_MODEL: True if named is model else GIVEN} if named else was.extra
    settings = replace(was, approve=(), model=named or was.model, budget=budget or was.budget, extra=extra)
    value = input if input is not None else await fetched(begun.input, app.store.blob)
    if input is not None:
        settings = replace(settings, listens=False)
    if (worker is None or input is None) and not settings.listens:
        value = known.takes.load(value)
    new = await engine.fork(around, id, at, known, value, settings, begun.code if worker is None else "")
    await app.take_up(new)
    return new


async def rehearse(app: App, id: str, worker: object = None) -> Outcome:
    """See `Run.replay`."""
    begun = await engine.started(app.around(Settings()), id)
    known = as_worker(worker) if worker is not None else await app.worker_that_began(begun)
    was = Settings(**(await fetched(begun.settings, app.store.blob) or {}))  # its models are found as they were
    return await engine.rehearse(app.around(was), id, known)
