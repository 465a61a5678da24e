"""`stretto plan TARGET GOAL`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import click

from stretto.app.host import App
from stretto.app.parts import can_plan
from stretto.app.settings import open_store
from stretto.app.targets import resolve
from stretto.cli import options
from stretto.cli.options import Common
from stretto.cli.result import shown
from stretto.cli.session import database, has_database
from stretto.cli.terminal import in_line
from stretto.cli.words import counted
from stretto.core.errors import PlanOnly, UsageError
from stretto.policy.gate import Rules


@click.command("plan")
@click.argument("target")
@click.argument("goal")
@click.option("--docs", metavar="PATH", help="For templates: the folder of documents.")
@click.option("--model", metavar="M", help="provider:model for planners that name none; none: rules only.")
@options.common
def command(common: Common, target: str, goal: str, docs: str | None, model: str | None) -> int:
    """The plan that TARGET, an orchestrator, makes for GOAL, and what it will cost. Nothing of it is done or kept.

    The range comes from what the workers took in past runs of the database, else from the prices of their models.
    """
    worker, value = resolve(target).given(goal, docs=docs, out=None)
    if not can_plan(worker):
        raise UsageError(f"{worker.name} makes no plan; `stretto graph {target}` shows how it works")
    app = App(db=":memory:", channel="cli", policy=Rules(read_only=True))
    past = open_store(database(common)) if has_database(common) else None

    async def work() -> int:
        app.past = past
        try:
            return await planned()
        finally:
            if past is not None:
                await past.close()

    async def planned() -> int:
        run = await app.start(worker, value, model=model or "", extra={"plan_only": True})
        with suppress(PlanOnly):
            await app.settled(run.id)
        view = (await run.refresh()).view
        plan = view.plan
        if plan is None:
            if run.state == "failed":
                run.conclude()  # raises what planning failed of
            raise UsageError(f"{worker.name} makes no plan; `stretto graph {target}` shows how it works")
        forecast = next((value for _, _, name, value in view.decisions if name == "forecast"), None)
        return shown(common, {**plan, "forecast": forecast}, [*_told(plan), *(_forecast(forecast) if forecast else [])])

    return app.in_own_loop(work())


def _told(plan: Mapping[str, Any]) -> Iterator[str]:
    if plan.get("why"):
        yield f"{in_line(plan['why'], 400)}\n"
    for task in plan["tasks"]:
        needs = f"  < {', '.join(task['after'])}" if task.get("after") else ""
        yield f"{task['id']}  {task['worker']}{needs}"
        yield f"    {in_line(task['goal'], 300)}"
        if task.get("accept"):
            yield f"    good when: {in_line(task['accept'], 300)}"


def _forecast(found: Mapping[str, Any]) -> Iterator[str]:
    said = found["told"] or "next to nothing"
    rests = f"as {counted(found['of'], 'past task')} took" if found["of"] else "by the prices of its models"
    but = f"; nobody knows what {', '.join(found['unknown'])} will cost" if found["unknown"] else ""
    yield f"\ncost  {said} ({rests}){but}"
