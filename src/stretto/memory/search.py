"""Full-text search over passages: BM25 of SQLite's FTS5 in memory, several queries fused into one ranking."""

import sqlite3
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from stretto.memory.passages import Passage
from stretto.memory.tokens import names, terms, words

_TOKENIZER = "unicode61 remove_diacritics 0 categories ''L* N* Co Mn Mc'' tokenchars ''_+#''"
"""What is indexed are terms, stemmed already. Marks count as parts of words, or Indic words would fall apart at their
vowel signs."""
_HEADING_WEIGHT = 2.5
_FUSION = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""
_LONGEST_QUERY = 64
"""Words; those after it are ignored."""


class Index:
    """Passages that can be searched. A hit is a position in the sequence that it was built from."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._size = len(passages)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._db.close)
        self._db.execute(f"CREATE VIRTUAL TABLE passage USING fts5(heading, body, content='', tokenize='{_TOKENIZER}')")
        self._db.executemany("INSERT INTO passage(rowid, heading, body) VALUES (?, ?, ?)", _rows(passages))
        self._db.execute(f"INSERT INTO passage(passage, rank) VALUES ('rank', 'bm25({_HEADING_WEIGHT}, 1.0)')")

    def __len__(self) -> int:
        return self._size

    def search(self, queries: Iterable[str], *, limit: int = 100) -> list[tuple[int, float]]:
        """Return at most `limit` hits, best first, each with its fused score (1.0 for the first hit of every query)."""
        scores: dict[int, float] = defaultdict(float)
        asked = [match for query in queries if (match := _match(query))]
        for match in asked:
            for rank, hit in enumerate(self._hits(match, limit)):
                scores[hit] += _FUSION / (_FUSION + rank) / len(asked)
        return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))[:limit]

    def titled(self, text: str, *, limit: int = 100) -> list[int]:
        """Return at most `limit` passages under headings, or in files, with all words of `text`, the shortest first."""
        match = _match(text, "AND")
        query = "SELECT rowid FROM passage WHERE passage MATCH ? ORDER BY bm25(passage, 1.0, 0.0), rowid LIMIT ?"
        return [rowid for (rowid,) in self._fetch(query, f"heading : ({match})", limit)] if match else []

    def count(self, text: str) -> int:
        """Return how many passages hold all words of `text`, in any of their English forms."""
        match = _match(text, "AND")
        if not match:
            return 0
        return int(self._fetch("SELECT count(*) FROM passage WHERE passage MATCH ?", match)[0][0])

    def _hits(self, match: str, limit: int) -> list[int]:
        query = "SELECT rowid FROM passage WHERE passage MATCH ? ORDER BY rank, rowid LIMIT ?"
        return [rowid for (rowid,) in self._fetch(query, match, limit)]

    def _fetch(self, query: str, *values: str | int) -> list[tuple[int]]:
        """Several threads may search one index."""
        with self._lock:
            return self._db.execute(query, values).fetchall()


def _rows(passages: Sequence[Passage]) -> Iterable[tuple[int, str, str]]:
    for position, passage in enumerate(passages):
        heading = " ".join((passage.path, *passage.section, passage.label))
        yield position, _terms_of(heading), " ".join(names(passage.text))


@lru_cache(maxsize=1024)
def _terms_of(heading: str) -> str:
    """Neighbouring passages share their heading."""
    return " ".join(names(heading))


def _match(query: str, operator: str = "OR") -> str:
    """Return an FTS5 expression of quoted words only, so that no text of a user is read as syntax."""
    quoted: list[str] = []
    for word in dict.fromkeys(words(query)):
        parts = terms(word)
        quoted += [f'"{part}"' for part in parts] if operator == "OR" else [f'"{" ".join(parts)}"']
    return f" {operator} ".join(list(dict.fromkeys(quoted))[:_LONGEST_QUERY])
