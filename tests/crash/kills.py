"""Kill the victim at random sites, round after round, each time in a process forked from a warm one.

python -m tests.crash.kills FOLDER SEED KILLS     prints how many processes were killed
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from random import Random

from stretto.app import faultplan
from stretto.core import faults
from stretto.journal.chain import verify
from stretto.journal.sqlite import SqliteStore
from tests.crash import victim

OUTPUT = "[['saw first', 'paid first', 'put same'], ['saw a', 'paid a', 'put same']"
SITES = 110
"""About as many as a life passes that nobody cuts short."""


async def check(folder: Path) -> None:
    """Each payment happened once, each keyed effect under its one key, and the chain is whole."""
    effects = (folder / "effects").read_text().splitlines()
    done = Counter(line for line in effects if line.startswith("pay"))
    assert set(done.values()) == {1}, done
    whats = Counter(line.split()[1] for line in done)
    assert whats == {"first": 1, "a": 1, "b": 1, "same": 2}
    assert len({line for line in effects if line.startswith("put")}) == 3, "keys changed, or were shared"
    store = SqliteStore(folder / "runs.db")
    try:
        assert verify(await store.read("v")) is None
    finally:
        await store.close()


def one_round(folder: Path, random: Random) -> int:
    """Lives that are killed, one to four, and a last one in peace; the number of the killed."""
    folder.mkdir(parents=True)
    (folder / "effects").touch()
    killed = 0
    for _ in range(random.randint(1, 4)):
        status = _life(folder, f"{random.randint(1, SITES)}:kill")
        assert status in (-signal.SIGKILL, 0), f"a life ended with {status}"
        killed += status == -signal.SIGKILL
    assert _life(folder, "") == 0
    asyncio.run(check(folder))
    return killed


def _life(folder: Path, fault: str) -> int:
    """The exit code of a process that lives in the folder, negative where a signal killed it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            victim.EFFECTS = folder / "effects"
            faults.lay(faultplan.parse(fault) if fault else None)
            code = 0 if victim.live(str(folder / "runs.db")).startswith(OUTPUT) else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, seed: int, wanted: int) -> int:
    """Rounds until that many processes were killed."""
    random, killed, number = Random(seed), 0, 0
    while killed < wanted:
        number += 1
        place = folder / f"{seed}-{number}"
        killed += one_round(place, random)
        shutil.rmtree(place)
    return killed


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
