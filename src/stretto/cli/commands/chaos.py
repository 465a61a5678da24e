"""`stretto chaos TARGET [GOAL]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from stretto.app.chaos import ACTS, MOST, Report, chaos
from stretto.app.targets import resolve
from stretto.cli import codes, options
from stretto.cli.options import Common
from stretto.cli.terminal import in_line, note, out_json, tell
from stretto.core.errors import UsageError

_SHOWN = 5


@click.command("chaos")
@click.argument("target")
@click.argument("goal", required=False)
@click.option("--input", "given", metavar="JSON", help="What the worker is given, in place of GOAL.")
@click.option("--docs", metavar="PATH", help="For templates: the folder of documents.")
@click.option("--most", metavar="N", type=click.IntRange(1), default=MOST, help="Try at most so many points.")
@click.option("--reads", is_flag=True, help="Call tools that only read for real; the others stay recorders.")
@options.common
def command(
    common: Common, target: str, goal: str | None, given: str | None, docs: str | None, most: int, reads: bool
) -> int:
    """Crash, delay and fail TARGET at every fault site, in simulation, and tell what would have happened.

    Nothing real happens: tools are replaced by recorders, models by `test:`, and every question is answered yes. Exit
    code 1 means that something was lost or repeated, or that the code is not deterministic.
    """
    if goal is not None and given is not None:
        raise UsageError("both GOAL and --input are given; a worker has one input")
    found = resolve(target)
    made: tuple[Any, Any] = (
        (found.worker, options.as_json(given, "--input"))
        if given is not None
        else found.given(goal, docs=docs, out=None)
    )
    report = chaos(*made, model="none" if found.is_template else "test:", most=most, reads=reads)
    if common.json:
        out_json(_as_object(report))
    else:
        tell("\n".join(_told(report)))
        note("nothing real happened: tools were recorders, models were test:, people said yes")
    return codes.FAILED if report.bad else codes.DONE


def _as_object(report: Report) -> dict[str, Any]:
    return {
        "points": report.points,
        "trials": len(report.trials),
        "table": [
            {"site": site, "act": act, "outcomes": dict(outcomes)} for (site, act), outcomes in report.table().items()
        ],
        "bad": [
            {"act": trial.act, "at": trial.number, "site": trial.site, "outcome": trial.outcome, "detail": trial.detail}
            for trial in report.bad
        ],
    }


def _told(report: Report) -> Iterator[str]:
    table = report.table()
    sites = list(dict.fromkeys(site for site, _ in table))
    width = max(map(len, sites), default=4)
    yield f"{report.points} fault sites, {len(report.trials)} trials\n"
    for site in sites:
        for act in ACTS:
            if outcomes := table.get((site, act)):
                told = ", ".join(f"{times} {outcome}" for outcome, times in outcomes.most_common())
                yield f"{site:<{width}}  {act:<5}  {in_line(told, 140)}"
    yield ""
    for trial in report.bad[:_SHOWN]:
        yield in_line(trial.sentence(), 600)
    if more := len(report.bad) - _SHOWN:
        yield f"and {more} more" if more > 0 else ""
    if not report.bad:
        yield "nothing was lost, nothing that may happen once was repeated, and it took the same way every time"
