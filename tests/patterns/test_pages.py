"""The pictures on the pages of docs/patterns are what `stretto graph` draws of the worker named beside them.

`python -m tests.patterns.test_pages` draws them anew.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import stretto
from stretto.app.graph.flows import of_worker
from stretto.app.graph.mermaid import mermaid

FOLDER = Path(__file__).parents[2] / "docs" / "patterns"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.stem != "README")
_CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PICTURE = re.compile(r"^<!-- graph (\w+) -->\n```mermaid\n(.*?)```", re.DOTALL | re.MULTILINE)


def drawn(page: Path) -> str:
    """The page with the picture that its code makes now."""
    text = page.read_text(encoding="utf-8")
    module = ModuleType(f"pattern_{page.stem.replace('-', '_')}")
    sys.modules[module.__name__] = module
    names: dict[str, Any] = module.__dict__
    for code in _CODE.findall(text):
        exec(compile(code, str(page), "exec", dont_inherit=True), names)
    return _PICTURE.sub(
        lambda found: f"<!-- graph {found[1]} -->\n```mermaid\n{mermaid(of_worker(names[found[1]]))}\n```", text
    )


@pytest.mark.capability(37)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_picture_of_a_page_is_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(_PICTURE.findall(text)) == 1
    assert drawn(page) == text, "draw it anew: python -m tests.patterns.test_pages"


def test_every_pattern_has_a_page_and_stands_in_the_index() -> None:
    homes = [path.stem for path in (Path(stretto.__file__).parent / "patterns").glob("[a-z]*.py")]
    patterns = sorted(name.replace("_", "-") for name in homes if hasattr(stretto, name))
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in patterns if not (FOLDER / f"{name}.md").exists()] == []
    assert [page.name for page in PAGES if f"({page.name})" not in index] == []


if __name__ == "__main__":
    for each_page in PAGES:
        each_page.write_text(drawn(each_page), encoding="utf-8")
