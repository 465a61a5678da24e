"""The documents of a run, read, cut and indexed once per process."""

import math
from collections import Counter
from functools import lru_cache
from pathlib import Path
from threading import Lock

from stretto.memory.documents import Document, Reading, fingerprint, read_documents
from stretto.memory.passages import Passage, cut
from stretto.memory.search import Index

from .subjects import Subjects
from .values import Overview


class Library:
    """Documents with their passages, an index over them, and the subjects they speak about."""

    def __init__(self, name: str, reading: Reading) -> None:
        self.name = name
        self.documents: dict[str, Document] = {document.path: document for document in reading.documents}
        self.skipped = reading.skipped
        self.passages: list[Passage] = []
        self._places: dict[str, range] = {}
        for document in reading.documents:
            start = len(self.passages)
            self.passages += cut(document)
            self._places[document.path] = range(start, len(self.passages))
        self.index = Index(self.passages)
        self._rarities: dict[str, float] = {}
        self.subjects = Subjects(reading.documents, self.passages_of)

    def passages_of(self, path: str) -> list[Passage]:
        """Return the passages of the document at `path`, in their order; none if there is no such document."""
        places = self._places.get(path, range(0))
        return self.passages[places.start : places.stop]

    def rarity(self, word: str) -> float:
        """Return how much the presence of `word` says: about 0.7 if all passages hold it, more the fewer do."""
        if word not in self._rarities:
            self._rarities[word] = math.log(1 + (len(self.index) + 1) / (self.index.count(word) + 1))
        return self._rarities[word]

    @property
    def overview(self) -> Overview:
        """What the folder holds."""
        return Overview(
            name=self.name,
            documents=len(self.documents),
            passages=len(self.passages),
            kinds=dict(Counter(document.kind for document in self.documents.values()).most_common()),
            subjects=self.subjects.names[:50],
            named=self.subjects.named,
            skipped=dict(Counter(skip.reason.partition(" (")[0] for skip in self.skipped).most_common()),
        )


def open_library(folder: str | Path) -> Library:
    """Return the library of `folder`; the same object as before while its files' names, sizes and times are the same.

    Raises `UsageError` if nothing there can be read.
    """
    place = Path(folder)
    with _OPENING:
        return _opened(str(place.resolve()), fingerprint(place))


_OPENING = Lock()
"""Several threads that open one folder wait for one library."""


@lru_cache(maxsize=4)
def _opened(place: str, _digest: str) -> Library:
    return Library(Path(place).name, read_documents(Path(place)))
