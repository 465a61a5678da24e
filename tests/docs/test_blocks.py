"""The code blocks of README.md and docs/ run.

The blocks of a page run in order, in one namespace and one temporary folder. A comment on the line before a block says
otherwise: `<!-- no-run -->` (Python is compiled only), `<!-- file: app.py -->` (saved under that name instead), and for
a console block `<!-- run -->` or `<!-- run exit=3 -->` (its `$ stretto` lines run, and the last ends with that code; a
variable may stand before, as in `$ STRETTO_FAULT=9:kill stretto run ...`). What a console block shows below a command are
lines of its output, in their order, though not all of them; `...` stands for anything, and spaces for any number of them.
"""

import ast
import asyncio
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*?) -->\n+)?"
    r"^(?P<indent> *)(?P<fence>```+)(?P<language>\w*)[^\n]*\n(?P<code>.*?)^ *(?P=fence) *$",
    re.DOTALL | re.MULTILINE,
)
_COMMAND = re.compile(
    r"^\$ (?P<variables>(?:[A-Z_]+=\S+ )*)(?P<words>stretto .*)\n?(?P<shown>(?:(?!\$ ).*\n?)*)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: what it is written in, the comment before it, where its code starts, and the code."""

    language: str
    mark: str
    line: int
    code: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        code = re.sub(rf"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
        yield Block(match["language"], match["mark"] or "", text.count("\n", 0, match.start("code")), code)


def runs(block: Block) -> bool:
    """Whether a block is checked at all."""
    return block.language == "python" or block.mark.startswith(("file:", "run"))


PAGES = [page for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))) if any(map(runs, blocks(page)))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page_run_in_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    module = ModuleType(f"page_{page.stem.replace('-', '_')}")
    module.__file__ = str(page)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in filter(runs, blocks(page)):
        if block.mark.startswith("file:"):
            target = tmp_path / block.mark.removeprefix("file:").strip()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.code, encoding="utf-8")
        elif block.mark.startswith("run"):
            run_console(block)
        else:
            run_python(block, page, module)


def run_python(block: Block, page: Path, module: ModuleType) -> None:
    """Compile a block at its own lines, so that tracebacks and source look-ups find the page; run it, awaiting too."""
    source = "\n" * block.line + block.code
    code = compile(source, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if block.mark == "no-run":
        return
    outcome = eval(code, module.__dict__)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(outcome)


def run_console(block: Block) -> None:
    """Run the `$ stretto` lines; all must succeed, the last with the code that its mark names, and show what is shown."""
    expected = re.fullmatch(r"run(?: exit=(\d+))?", block.mark)
    assert expected, f"line {block.line}: `{block.mark}` is no mark; use `run` or `run exit=3`"
    commands = [*_COMMAND.finditer(block.code.replace("\\\n", ""))]
    assert commands, f"line {block.line}: a block marked `run` has no line that begins with `$ stretto`"
    for command in commands:
        words = [sys.executable, "-m", *shlex.split(command["words"], comments=True)]
        variables = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        variables |= dict(word.split("=", 1) for word in shlex.split(command["variables"]))
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=variables
        )
        code = int(expected[1] or 0) if command is commands[-1] else 0
        told = f"line {block.line}: {command['words']}\n{done.stderr}{done.stdout}"
        assert done.returncode % 256 == (code if code < 128 else 128 - code) % 256, told
        rest = iter((done.stderr + done.stdout).splitlines())
        for line in command["shown"].splitlines():
            shown = re.escape(" ".join(line.split())).replace(re.escape("..."), ".*")
            assert any(re.fullmatch(shown, " ".join(real.split())) for real in rest), f"not shown: {line}\n{told}"
