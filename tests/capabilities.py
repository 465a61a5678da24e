"""Which test shows which capability: `python tests/capabilities.py` writes it into `docs/capabilities.md`.

A test says what it shows by `@pytest.mark.capability(33)`; the page has the rows, and for each the tests found.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "capabilities.md"
ROW = re.compile(r"\| (?P<number>\d+) \| (?P<title>[^|]+) \|[^|]*\|")
COUNT = re.compile(r"Shown by a test: .*")
GAP = "**gap**"


def shown() -> dict[int, list[str]]:
    """The tests of each row, as `path::name`, in the order of their paths."""
    tests: dict[int, list[str]] = defaultdict(list)
    for path in sorted(ROOT.glob("tests/**/test_*.py")):
        for name, rows in _marked(ast.parse(path.read_text("utf-8"))):
            for row in rows:
                tests[row].append(f"{path.relative_to(ROOT)}::{name}")
    return tests


def page(text: str) -> str:
    """The page with the tests as they are now; raises `ValueError` for a row that the page does not have."""
    tests = shown()
    rows = {int(found["number"]) for found in map(ROW.fullmatch, text.splitlines()) if found}
    if unknown := tests.keys() - rows:
        raise ValueError(f"tests name rows that docs/capabilities.md does not have: {sorted(unknown)}")
    count = f"Shown by a test: {len(tests)} of {len(rows)}."
    return COUNT.sub(count, "\n".join(_row(line, tests) for line in text.splitlines())) + "\n"


def _row(line: str, tests: dict[int, list[str]]) -> str:
    found = ROW.fullmatch(line)
    if not found:
        return line
    links = (
        [f"[{name}](../{path})" for path, name in (test.split("::") for test in tests[int(found["number"])])]
        if int(found["number"]) in tests
        else [GAP]
    )
    return f"| {found['number']} | {found['title']} | {', '.join(links)} |"


def _marked(module: ast.Module) -> Iterator[tuple[str, list[int]]]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for mark in node.decorator_list:
                if (
                    isinstance(mark, ast.Call)
                    and isinstance(mark.func, ast.Attribute)
                    and mark.func.attr == "capability"
                ):
                    yield node.name, [int(ast.unparse(row)) for row in mark.args]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
