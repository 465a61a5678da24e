"""A tool in a process of its own does not outlive whoever called it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SHOP = """
import os
import time
from pathlib import Path

from stretto import run, tool, workflow


@tool(effect="idempotent", process=True)
def order(what: str) -> str:
    Path("pid.new").write_text(str(os.getpid()))
    os.replace("pid.new", "pid")
    time.sleep(600)
    return what


@workflow
async def shopping(what: str) -> str:
    return await order(what)


if __name__ == "__main__":
    run(shopping, "tea", db="runs.db")
"""


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.capability(103)
def test_a_killed_caller_takes_the_process_of_its_tool_along(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    caller = subprocess.Popen([sys.executable, "shop.py"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / "pid").exists():
        assert caller.poll() is None
        time.sleep(0.01)
    child = int((tmp_path / "pid").read_text())
    assert is_alive(child)
    caller.kill()
    caller.wait()
    until = time.monotonic() + 30
    try:
        while is_alive(child) and time.monotonic() < until:
            time.sleep(0.02)
        assert not is_alive(child)
    finally:
        if is_alive(child):
            os.kill(child, signal.SIGKILL)
