"""A folder of documents as text: what was read, what was skipped, and why."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from stretto.core.errors import UsageError
from stretto.memory.encoding import decode
from stretto.memory.html import html_text

DocumentKind: TypeAlias = Literal["markdown", "rst", "html", "metadata", "data", "table", "code", "text"]

LARGEST_FILE = 8_000_000
"""Bytes; a larger file is skipped."""
LARGEST_FOLDER = 256_000_000
"""Bytes read in all; files after that are skipped, in the order of their paths."""
LONGEST_LINE = 20_000
"""Characters; a file with a longer line was written by a machine for a machine."""

_SKIPPED_FOLDERS = frozenset("__pycache__ node_modules bower_components CVS".split())
_METADATA_NAMES = frozenset("METADATA PKG-INFO control copyright DESCRIPTION".split())
_SUFFIXES: dict[DocumentKind, str] = {
    "markdown": "md markdown mdown mkd mdx qmd",
    "rst": "rst rest",
    "html": "html htm xhtml xml docbook",
    "metadata": "dsc changes",
    "data": "json yaml yml toml ini cfg conf properties desktop service",
    "table": "csv tsv",
    "code": "py pyi pyx c h cc cpp cxx hpp hh java kt scala js jsx mjs ts tsx go rs swift cs php rb pl pm sh bash zsh "
    "fish lua sql r jl hs ml ex exs erl clj lisp el vim css scss less cmake mk gradle dart zig proto tf ps1 bat",
}
_KINDS = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}


@dataclass(frozen=True, slots=True)
class Document:
    """One file's text. Line numbers count `\\n`, `\\r\\n` and `\\r`, as an editor does, from 1."""

    path: str
    """Relative to the folder, with forward slashes."""
    kind: DocumentKind
    text: str
    """Line ends are `\\n`; of HTML and XML the readable text, on the lines of the source."""

    @property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.split("\n")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was not read."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a folder gave, ordered by path."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]


def read_documents(place: Path) -> Reading:
    """Read the folder (or the single file) at `place`.

    Raises `UsageError` if there is no such place, it can't be read, or it holds no text.
    """
    documents: list[Document] = []
    skipped: list[Skipped] = []
    budget = LARGEST_FOLDER
    for entry in _entries(place):
        outcome = entry if isinstance(entry, Skipped) else _read(entry, budget)
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        else:
            budget -= len(outcome.text)
            documents.append(outcome)
    if not documents:
        raise UsageError(_nothing_to_read(place, skipped))
    return Reading(tuple(documents), tuple(skipped))


def fingerprint(place: Path) -> str:
    """Return a digest of the names, sizes and modification times of the files at `place`."""
    digest = hashlib.sha256()
    for entry in _entries(place):
        if isinstance(entry, Skipped):
            continue
        found = entry.file.stat()
        line = f"{entry.path}\0{found.st_size}\0{found.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Entry:
    file: Path
    path: str


def _entries(place: Path) -> Iterator[_Entry | Skipped]:
    if place.is_file():
        yield _Entry(place, place.name)
    elif place.is_dir():
        yield from _walk(place, place.resolve(), "")
    else:
        raise UsageError(f"{str(place)!r} does not exist; documents are read from a folder or a file: check the path")


def _walk(folder: Path, root: Path, prefix: str) -> Iterator[_Entry | Skipped]:
    try:
        children = sorted(os.scandir(folder), key=lambda child: child.name)
    except OSError as error:
        yield Skipped(prefix or ".", f"unreadable ({error.strerror})")
        return
    for child in children:
        path = prefix + child.name
        if reason := _refusal(child, root):
            yield Skipped(path, reason)
        elif child.is_dir():
            yield from _walk(Path(child.path), root, f"{path}/")
        elif child.is_file():
            yield _Entry(Path(child.path), path)
        else:
            yield Skipped(path, "not a regular file")


def _refusal(child: os.DirEntry[str], root: Path) -> str:
    if child.is_symlink():
        target = Path(child.path).resolve()
        if not target.is_relative_to(root):
            return "a link that leaves the folder"
        return "a link to what is read itself" if target.exists() else "a broken link"
    if child.name.startswith("."):
        return "hidden"
    if child.is_dir() and (child.name in _SKIPPED_FOLDERS or os.path.exists(os.path.join(child.path, "pyvenv.cfg"))):
        return "a cache or environment"
    return ""


def _read(entry: _Entry, budget: int) -> Document | Skipped:
    try:
        size = entry.file.stat().st_size
        if size > LARGEST_FILE:
            return Skipped(entry.path, f"too large ({size:,} bytes; at most {LARGEST_FILE:,})")
        if size > budget:
            return Skipped(entry.path, f"beyond the {LARGEST_FOLDER:,} bytes read of one folder")
        data = entry.file.read_bytes()
    except OSError as error:
        return Skipped(entry.path, f"unreadable ({error.strerror})")
    return _document(entry.path, data)


def _document(path: str, data: bytes) -> Document | Skipped:
    text = decode(data)
    if text is None:
        return Skipped(path, "binary")
    if not text.strip():
        return Skipped(path, "empty")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if max(map(len, text.split("\n"))) > LONGEST_LINE:
        return Skipped(path, f"machine-made (a line of more than {LONGEST_LINE:,} characters)")
    kind = _kind(path, text)
    return Document(path, kind, html_text(text) if kind == "html" else text)


def _kind(path: str, text: str) -> DocumentKind:
    name = path.rpartition("/")[2]
    if name in _METADATA_NAMES:
        return "metadata"
    parts = name.lower().split(".")
    suffixes = parts[-2:] if parts[-1] == "txt" else parts[-1:]
    for suffix in suffixes:
        if len(parts) > 1 and suffix in _KINDS:
            return _KINDS[suffix]
    head = text[:500].lstrip().lower()
    if head.startswith(("<!doctype html", "<html", "<?xml")):
        return "html"
    return "code" if head.startswith("#!") or name in ("Makefile", "Dockerfile") else "text"


def _nothing_to_read(place: Path, skipped: list[Skipped]) -> str:
    if not skipped:
        return f"the folder {str(place)!r} is empty; put documents into it, or name another folder"
    reasons = Counter(skip.reason.partition(" (")[0] for skip in skipped)
    counted = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return (
        f"nothing in {str(place)!r} can be read as text ({counted}); name a folder with text, Markdown, HTML, "
        "reStructuredText or source files that you may read"
    )
