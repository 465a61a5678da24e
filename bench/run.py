"""Measure stretto beside the bare floor:  make bench  [ARGS='--rounds 9 --only agent --json']

Every round measures the floor and stretto one after the other, case by case, in this process, so that a slow minute of
the machine hits both. The figures are medians; the ratio is the median of the rounds' ratios, and the one to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from cases import CASES, Case

PARKED = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    found: dict[Case, list[tuple[float, float]]] = {case: [] for case in cases}
    for number in range(options.rounds):
        for case in cases:
            print(f"\rround {number + 1} of {options.rounds}: {case.name:50}", end="", file=sys.stderr)
            found[case].append((measured(case, case.floor) if case.floor else 0, measured(case, case.ours)))
    print(file=sys.stderr)
    lines = [line(case, samples) for case, samples in found.items()]
    lines += [] if options.only else processes(options.rounds)
    report = {"machine": machine(), "rounds": options.rounds, "lines": lines}
    print(json.dumps(report, indent=1) if options.json else table(report))


def measured(case: Case, side: Any) -> float:
    """One sample: warm up, then do it once more and read the figure off."""
    with tempfile.TemporaryDirectory(prefix="stretto-bench-") as folder:
        return asyncio.run(_measured(case, side, Path(folder)))


async def _measured(case: Case, side: Any, folder: Path) -> float:
    async with side(folder) as go:
        await go()
        gc.collect()
        async with asyncio.TaskGroup() as group:
            stalls: list[float] = []
            beat = group.create_task(heartbeat(stalls)) if case.figure == "stall" else None
            wall, cpu = time.perf_counter(), time.process_time()
            value = await go()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if beat is not None:
                beat.cancel()
    spent = {"wall": wall, "cpu": cpu, "stall": max(stalls, default=0.0), "value": value}[case.figure]
    return float(spent) * case.scale / case.units


async def heartbeat(stalls: list[float]) -> None:
    """How much longer than asked for a sleep of 5 ms takes."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.005)
        stalls.append(time.perf_counter() - begun - 0.005)


def processes(rounds: int) -> list[dict[str, Any]]:
    """What a new process costs: import, command line, parked runs."""
    parked = [json.loads(_child(_PARKED)[0]) for _ in range(min(rounds, 3))]
    floor = [_child("pass")[1] for _ in range(rounds)]
    commands = {"import stretto": ("import stretto", "100 ms"), "stretto --help": (_HELP, "200 ms")}
    lines = []
    for name, (code, promise) in commands.items():
        pairs = [(bare, _child(code)[1]) for bare in floor]
        lines.append(_line(name, "ms CPU", pairs, promise))
    memory, answer = median(one["mib"] for one in parked), median(one["ms"] for one in parked)
    lines.append(_line(f"{PARKED:,} parked runs, added memory", "MiB", [(0, memory)], "20 MiB"))
    lines.append(_line("one of them answered", "ms wall", [(0, answer)], "250 ms"))
    return lines


_HELP = "import sys; sys.argv = ['stretto', '--help']; from stretto.cli.main import main; main()"
_PARKED = f"""
import asyncio, json, pathlib, sys, tempfile
sys.path.insert(0, {str(Path(__file__).parent)!r})
import ours
with tempfile.TemporaryDirectory() as folder:
    print(json.dumps(asyncio.run(ours.parked(pathlib.Path(folder), {PARKED}))))
"""


def _child(code: str) -> tuple[str, float]:
    """A child's output, and its CPU time in ms."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3


def line(case: Case, samples: list[tuple[float, float]]) -> dict[str, Any]:
    return _line(case.name, case.unit, samples, case.promise)


def _line(name: str, unit: str, samples: list[tuple[float, float]], promise: str) -> dict[str, Any]:
    floor, ours = median(pair[0] for pair in samples), median(pair[1] for pair in samples)
    ratio = median(pair[1] / pair[0] for pair in samples) if floor else None
    return {"name": name, "unit": unit, "floor": floor, "ours": ours, "ratio": ratio, "promise": promise}


def machine() -> str:
    """Where and when this was measured."""
    cpu = next((text.split(":")[1].strip() for text in _cpuinfo() if text.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    day, load = datetime.now(UTC).date().isoformat(), f"load {os.getloadavg()[0]:.1f}"
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores ({load}), {memory} GiB, {system}, {day}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    rows = ["| what | unit | floor | stretto | ratio | promised |", "|---|---|--:|--:|--:|--:|"]
    for item in report["lines"]:
        ratio = f"{item['ratio']:.1f}" if item["ratio"] else ""
        floor = f"{item['floor']:.3g}" if item["floor"] else ""
        rows.append(f"| {item['name']} | {item['unit']} | {floor} | {item['ours']:.3g} | {ratio} | {item['promise']} |")
    return "\n".join([*rows, "", f"Medians of {report['rounds']} rounds. {report['machine']}."])


if __name__ == "__main__":
    main()
