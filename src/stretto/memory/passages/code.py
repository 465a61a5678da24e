"""Source code: comments and docstrings, under the names of the classes and functions around them."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import replace

from stretto.memory.passages.headings import Headings
from stretto.memory.passages.passage import Passage
from stretto.memory.passages.prose import cut_prose

_HASH = frozenset("py pyi pyx rb pl pm sh bash zsh fish r jl ex exs cmake mk tf ps1 gql graphql nim".split())
_DASHES = frozenset("sql lua hs".split())
_SEMICOLONS = frozenset("clj lisp el".split())
_DEFINITION = re.compile(
    r"(\s*)(?:export\s+|default\s+|pub(?:\([^)]*\))?\s+|public\s+|private\s+|protected\s+|static\s+|abstract\s+|async\s+|"
    r"final\s+)*(?:def|class|func|function|fn|interface|struct|trait|enum|module|namespace|type|impl|sub|defmodule|"
    r"object|package)\s+(?:\([^)]*\)\s*)?([A-Za-z_](?:[\w.]|::)*)"
)
_DOCSTRING = re.compile(r"\s*[rRuUbB]{0,2}(\"\"\"|''')")
_STAR = re.compile(r"\s*\*+(?!/)\s?")
_TO_A_TOOL = re.compile(r"\W*(?:type:|noqa|pylint|pragma|mypy:|ruff:|fmt:|isort:|eslint|nolint|!)")
"""Comments that speak to a tool, not to a reader."""


def cut_code(path: str, lines: list[str]) -> list[Passage]:
    """Cut the comments and docstrings of a source file, and its definitions as headings; the code is left out."""
    return list(_Walk(path, lines).passages())


class _Walk:
    def __init__(self, path: str, lines: list[str]) -> None:
        self._path = path
        self._lines = lines
        self._headings = Headings()
        suffix = path.rpartition("/")[2].rpartition(".")[2].lower()
        self._is_python = suffix in ("py", "pyi", "pyx")
        self._mark, self._has_blocks = _marks(suffix)

    def passages(self) -> Iterator[Passage]:
        at = 0
        while at < len(self._lines):
            line = self._lines[at]
            if found := _DEFINITION.match(line):
                self._headings.enter(1 + len(found[1].expandtabs(4)), found[2])
                yield Passage(self._path, "heading", at + 1, line.strip(), self._headings.path)
            body = self._docstring(at) or self._block(at) or self._comment(at)
            yield from self._spoken(at, body)
            at += len(body) or 1

    # Each returns the lines of what begins on the line `at`, without its signs, or nothing.

    def _docstring(self, at: int) -> list[str]:
        quote = _DOCSTRING.match(self._lines[at]) if self._is_python else None
        return self._until(at, quote.end(), quote[1]) if quote else []

    def _block(self, at: int) -> list[str]:
        if not self._has_blocks or not self._lines[at].lstrip().startswith("/*"):
            return []
        opening = self._lines[at].index("/*") + 2
        return [_STAR.sub("", line, count=1) for line in self._until(at, opening, "*/")]

    def _comment(self, at: int) -> list[str]:
        end = at
        while end < len(self._lines) and self._lines[end].lstrip().startswith(self._mark):
            end += 1
        bodies = (line.lstrip().lstrip(self._mark[0]) for line in self._lines[at:end])
        return ["" if _TO_A_TOOL.match(body) else body.removeprefix(" ") for body in bodies]

    def _until(self, at: int, opening: int, closing: str) -> list[str]:
        """Return the lines from the character `opening` of the line `at` up to the sign `closing`."""
        body: list[str] = []
        for line in [self._lines[at][opening:], *self._lines[at + 1 :]]:
            text, sign, _ = line.partition(closing)
            body.append(text)
            if sign:
                break
        return body

    def _spoken(self, at: int, body: list[str]) -> Iterator[Passage]:
        """Docstrings and comments are written in reStructuredText or something near it."""
        if not body:
            return
        dedented = [body[0].strip(), *textwrap.dedent("\n".join(body[1:])).split("\n")][: len(body)]
        for passage in cut_prose(self._path, dedented, markup="rst", first=at + 1):
            section = (*self._headings.path, *passage.section)
            yield replace(passage, kind="comment" if passage.kind == "prose" else passage.kind, section=section)


def _marks(suffix: str) -> tuple[str, bool]:
    """Return what begins a line of comment in files of this suffix, and whether they have `/* blocks */`."""
    if suffix in _HASH or not suffix.isalpha():
        return "#", False
    if suffix in _DASHES:
        return "--", suffix == "sql"
    return (";", False) if suffix in _SEMICOLONS else ("//", True)
