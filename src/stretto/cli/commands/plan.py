"""`stretto plan TARGET GOAL`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import click

from stretto.app.host import App
from stretto.app.targets import resolve
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.terminal import in_line, out_json, tell
from stretto.core.errors import PlanOnly, UsageError
from stretto.policy.gate import Rules


@click.command("plan")
@click.argument("target")
@click.argument("goal")
@click.option("--docs", metavar="PATH", help="For templates: the folder of documents.")
@click.option("--model", metavar="M", help="provider:model for planners that name none; none: rules only.")
@options.common
def command(common: Common, target: str, goal: str, docs: str | None, model: str | None) -> int:
    """The plan that TARGET, an orchestrator, makes for GOAL. Nothing of it is done, and nothing is kept."""
    worker, value = resolve(target).given(goal, docs=docs, out=None)
    app = App(db=":memory:", channel="cli", policy=Rules(read_only=True))

    async def work() -> int:
        run = await app.start(worker, value, model=model or "", extra={"plan_only": True})
        with suppress(PlanOnly):
            await app.settled(run.id)
        plan = (await run.refresh()).view.plan
        if plan is None:
            if run.state == "failed":
                run.conclude()  # raises what planning failed of
            raise UsageError(f"{worker.name} makes no plan; `stretto graph {target}` shows how it works")
        if common.json:
            out_json(plan)
        else:
            tell("\n".join(_told(plan)))
        return codes.DONE

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
