"""What a folder is about, one by one: packages that state their names, or else its folders, or else its files."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from stretto.memory.documents import Document
from stretto.memory.passages import Passage

_NAME_KEYS = ("name", "package", "source", "upstream-name")
_MANIFESTS = frozenset(
    "METADATA PKG-INFO control copyright pyproject.toml package.json Cargo.toml composer.json setup.cfg".split()
)
INTRODUCES = re.compile(
    r"(^|/)(metadata|pkg-info|readme|index|intro|overview|about|main|__init__)[^/]*$", re.IGNORECASE
)
"""The documents that say what the others are about."""
_VERSIONED = re.compile(r"-\d[\w.+!]*\.(?:dist|egg)-info$|\.(?:dist|egg)-info$|-\d+(?:\.\d+)+\S*$")


class Subjects:
    """Groups documents by what they are about."""

    def __init__(self, documents: Sequence[Document], passages_of: Callable[[str], list[Passage]]) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._of: dict[str, str] = {}
        names = _declared(documents, passages_of)
        self.named = len(set(names.values())) > 1
        folders = {document.path.partition("/")[0] for document in documents if "/" in document.path}
        for document in documents:
            name = _owner(document.path, names) if self.named else _place(document.path, by_folder=len(folders) > 1)
            self._by_name[name].append(document.path)
            self._of[document.path] = name

    @property
    def names(self) -> tuple[str, ...]:
        """All subjects, in alphabetical order."""
        return tuple(sorted(self._by_name, key=str.casefold))

    def of(self, path: str) -> str:
        """Return the subject of the document at `path`."""
        return self._of.get(path, "")

    def documents(self, subject: str) -> tuple[str, ...]:
        """Return the paths of the documents about `subject`, those that introduce it first."""
        return tuple(
            sorted(self._by_name.get(subject, ()), key=lambda path: (not INTRODUCES.search(path), path.count("/")))
        )


def _declared(documents: Sequence[Document], passages_of: Callable[[str], list[Passage]]) -> dict[str, str]:
    """Return the names that manifests declare, by the folder they stand in."""
    names: dict[str, str] = {}
    for document in documents:
        folder, _, file = document.path.rpartition("/")
        if file not in _MANIFESTS:
            continue
        facts = {passage.label.lower(): passage.text for passage in passages_of(document.path) if _identifies(passage)}
        name = next((facts[key] for key in _NAME_KEYS if key in facts), "")
        if file == "copyright" and folder:
            name = folder.rpartition("/")[2]
        if name and not any(folder.startswith(f"{other}/") for other in names):
            names.setdefault(folder, name)
    return names


def _identifies(passage: Passage) -> bool:
    shallow = len(passage.section) == 0 or passage.section[-1] in ("project", "package", "metadata", "tool.poetry")
    return passage.kind == "fact" and shallow and passage.label.lower() in _NAME_KEYS


def _owner(path: str, names: dict[str, str]) -> str:
    """Return the name declared in the nearest folder above, or of a package whose name is the first folder's."""
    folder = path.rpartition("/")[0]
    while True:
        if folder in names:
            return names[folder]
        if not folder:
            break
        folder = folder.rpartition("/")[0]
    top = _place(path, by_folder=True)
    return next((name for name in names.values() if _key(name) == _key(top)), top)


def _place(path: str, *, by_folder: bool) -> str:
    top = path.partition("/")[0] if by_folder else path
    return _VERSIONED.sub("", top)


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
