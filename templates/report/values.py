"""What the roles hand to each other: small, typed, plain enough for JSON. None of it holds the documents."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

FindingKind: TypeAlias = Literal["prose", "item", "fact", "row", "comment", "heading", "code"]
FaultKind: TypeAlias = Literal[
    "unresolved", "misquoted", "dangling", "cut", "torn", "repeated", "off question", "hollow", "unsupported"
]


@dataclass(frozen=True, slots=True)
class Overview:
    """What a folder holds, in a few lines."""

    name: str
    documents: int
    passages: int
    kinds: dict[str, int]
    """Documents by kind (markdown, code, ...)."""
    subjects: tuple[str, ...]
    """What the folder is about: packages, components, or else its files."""
    named: bool
    """Whether the subjects state their own names in metadata."""
    skipped: dict[str, int]
    """Files not read, by reason."""


@dataclass(frozen=True, slots=True)
class Question:
    """One part of the goal, to be answered by one research task."""

    id: str
    text: str
    title: str
    topic: str
    """The name of the topic in `topics.TOPICS` that it asks about, or empty."""
    terms: tuple[str, ...]
    """The words that an answer must be about."""
    context: tuple[str, ...]
    """The words of the goal's other parts that say what it is about; an answer should be near them."""
    queries: tuple[str, ...]
    each: str
    """What it is asked of one by one (`package`), or empty if it is asked once."""
    within: str
    """The heading under which the answer must stand, or empty."""
    asked: bool
    """Whether the goal asks it; the others were added because the documents speak about them, and may stay silent."""
    acceptance: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Words of one document, and where they stand."""

    id: str
    path: str
    first: int
    last: int
    text: str
    kind: FindingKind
    subject: str
    section: tuple[str, ...]
    label: str
    """A fact's key, a table's header, or the sentence that introduces a list."""
    score: float

    @property
    def citation(self) -> str:
        """`path:line`, or `path:first-last`."""
        return f"{self.path}:{self.first}" if self.first == self.last else f"{self.path}:{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two findings that can't both hold."""

    left: Finding
    right: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence in a model's own words, and the ids of the findings it rests on."""

    text: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What research found for a question."""

    question: Question
    findings: tuple[Finding, ...]
    spares: tuple[Finding, ...]
    """The next best, for a finding that the reviewer refuses."""
    conflicts: tuple[Conflict, ...]
    silent: tuple[str, ...]
    """Subjects about which the documents don't say it."""
    note: str
    """What limits the answer, or empty."""
    unanswered: str
    """Why there is no finding, or empty."""
    statements: tuple[Statement, ...] = ()
    """What a model makes of the findings."""


@dataclass(frozen=True, slots=True)
class Section:
    """A question with the claims that answer it."""

    question: Question
    claims: tuple[Finding, ...]
    spares: tuple[Finding, ...]
    silent: tuple[str, ...]
    note: str
    unanswered: str
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one claim, and what would mend it."""

    kind: FaultKind
    question: str
    """The question's id."""
    claim: str
    """The finding's id, or empty for a fault of the whole section."""
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reviewer's answer to a draft."""

    ok: bool
    faults: tuple[Fault, ...]
    claims: int
    """How many claims were checked."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A report before it is rendered."""

    goal: str
    sections: tuple[Section, ...]
    conflicts: tuple[Conflict, ...]
    overview: Overview
    revision: int
    """0 for the first draft."""
    summary: tuple[Statement, ...] = ()
