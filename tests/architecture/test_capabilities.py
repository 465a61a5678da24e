"""The page of capabilities says what the tests say."""

import importlib.util
from pathlib import Path


def test_the_page_of_capabilities_is_current() -> None:
    path = Path(__file__).parent.parent / "capabilities.py"
    spec = importlib.util.spec_from_file_location("capabilities", path)
    assert spec
    assert spec.loader
    capabilities = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(capabilities)
    text = capabilities.PAGE.read_text("utf-8")
    assert capabilities.page(text) == text, "run `python tests/capabilities.py`, which writes the page anew"
