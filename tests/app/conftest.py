"""A world that the engine cannot see: a file in which tools write down what they did."""

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Effects:
    """What happened outside; given to tools as a dependency."""

    file: Path

    def happen(self, what: str) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{what}\n")

    @property
    def all(self) -> list[str]:
        return self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []


NOWHERE = Effects(Path("nowhere"))
"""Stands where a tool's world is injected."""


@pytest.fixture
def effects(tmp_path: Path) -> Effects:
    return Effects(tmp_path / "effects.log")


@pytest.fixture
def db(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")
