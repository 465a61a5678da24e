"""A collector, and a folder for databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.telemetry.collector import Collector, collecting


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as one:
        yield one


@pytest.fixture
def db(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")
