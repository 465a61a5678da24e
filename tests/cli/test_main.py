"""The front of the command: help, version, speed."""

import resource
import subprocess
import sys

from stretto.cli.main import COMMANDS
from tests.cli.conftest import Shell


def test_help_lists_every_command_and_imports_nothing_heavy(shell: Shell) -> None:
    program = (
        "import sys\nfrom stretto.cli.main import invoke\ncode = invoke(['--help'])\n"
        "heavy = {'pydantic', 'rich', 'yaml', 'httpx2', 'sqlite3', 'asyncio', 'stretto.app'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=shell.environment)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert all(f"  {name}" in done.stdout for name in COMMANDS)


def test_help_is_quick(shell: Shell) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert shell("--help").code == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 1.0  # measured: 0.05; a bound that holds on a busy machine too


def test_every_command_has_help_that_says_what_the_list_says(shell: Shell) -> None:
    for name in COMMANDS:
        ended = shell(name, "--help")
        assert ended.code == 0
        assert "Usage: stretto " + name in ended.out


def test_the_version_is_the_packages(shell: Shell) -> None:
    assert shell("--version").out == "stretto 0.1.0\n"
