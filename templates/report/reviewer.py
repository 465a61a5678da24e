"""The reviewer: checks every claim of a draft against its source, and says what is wrong and what would mend it."""

from collections.abc import Iterator

from stretto.memory.conflicts import negated
from stretto.memory.quotes import Enclosing, dangling, enclosing, repeats, stands_at

from .library import Library
from .relevance import Measure
from .values import Draft, Fault, FaultKind, Finding, Question, Section, Verdict

_REMEDIES: dict[FaultKind, str] = {
    "unresolved": "cite a document of the folder",
    "misquoted": "cite the lines where the words stand, or take the claim out",
    "dangling": "begin the quote with the sentence that it refers to, or use another",
    "cut": "quote whole sentences",
    "torn": "quote a sentence, a whole list item, a value or a whole row",
    "repeated": "keep one of them",
    "off question": "use a quote that speaks about the question",
    "hollow": "say plainly that it could not be answered",
}

_AS_GOOD = 0.7
"""The share of a claim's score from which on a spare may take its place for the sake of variety."""


def review(draft: Draft, library: Library) -> Verdict:
    """Return the faults of `draft`; it is good when there are none."""
    faults: list[Fault] = []
    for section in draft.sections:
        measure = Measure(section.question, library, lenient=bool(section.note))
        for claim in section.claims:
            faults += faults_of(claim, measure, library)
        faults += _hollow(section)
    faults += _repeated(draft, {fault.claim for fault in faults})
    sides = [side for conflict in draft.conflicts for side in (conflict.left, conflict.right)]
    faults += [fault for side in sides if (fault := _misplaced(side, side.id.partition(".")[0], library))]
    return Verdict(not faults, tuple(faults), len(sides) + sum(len(section.claims) for section in draft.sections))


def faults_of(claim: Finding, measure: Measure, library: Library) -> list[Fault]:
    """Return the first fault of `claim` as an answer to the measure's question, if it has one."""
    question = measure.question
    if fault := _misplaced(claim, question.id, library):
        return [fault]
    place = enclosing(library.passages_of(claim.path), claim.text, claim.first, claim.last)
    if place is None or place.passage.kind in ("heading", "code"):
        kind = place.passage.kind if place else "several passages"
        return [_fault("torn", question.id, claim, f"it is a piece of {kind}, not a statement")]
    return list(_faults_in_place(claim, measure, place))


def _misplaced(claim: Finding, question: str, library: Library) -> Fault | None:
    document = library.documents.get(claim.path)
    if document is None:
        return _fault("unresolved", question, claim, f"there is no document {claim.path!r}")
    if not stands_at(document, claim.text, claim.first, claim.last):
        return _fault("misquoted", question, claim, f"the words do not stand at {claim.citation}")
    return None


def _faults_in_place(claim: Finding, measure: Measure, place: Enclosing) -> Iterator[Fault]:
    question = measure.question
    if place.text != claim.text:
        yield _cut(claim, question, place)
    elif place.passage.kind in ("prose", "comment") and (word := dangling(claim.text)):
        yield _fault("dangling", question.id, claim, f"it begins with “{word}”, which points to something not quoted")
    elif not measure.accepts(place.around):
        yield _fault("off question", question.id, claim, "it shares too little with the question")


def _cut(claim: Finding, question: Question, place: Enclosing) -> Fault:
    if place.passage.kind == "row":
        return _fault("torn", question.id, claim, "it is a part of a table's row")
    if negated(place.text) and not negated(claim.text):
        return _fault("cut", question.id, claim, "the whole sentence has a negation that the quote has lost")
    return _fault("cut", question.id, claim, "it is a part of a sentence")


def _hollow(section: Section) -> Iterator[Fault]:
    if not section.claims and not section.unanswered and not section.note:
        yield Fault(
            "hollow", section.question.id, "", "the section has no claim and does not say so", _REMEDIES["hollow"]
        )


def _repeated(draft: Draft, faulty: set[str]) -> Iterator[Fault]:
    """Anywhere but among things asked one by one, a statement is made once."""
    known: list[Finding] = []
    for section in draft.sections:
        if section.question.each:
            yield from _repeated_of_one(section, draft)
            continue
        for claim in section.claims:
            same = next((other for other in known if repeats(claim.text, other.text)), None)
            if same and claim.id not in faulty:
                yield _fault("repeated", section.question.id, claim, f"{same.citation} has said it already")
            else:
                known.append(claim)


def _repeated_of_one(section: Section, draft: Draft) -> Iterator[Fault]:
    """Of one thing two questions need different answers, if there is another."""
    before = draft.sections[: draft.sections.index(section)]
    said = {(claim.subject, claim.text) for other in before if other.question.each for claim in other.claims}
    for claim in section.claims:
        others = (spare for spare in section.spares if spare.subject == claim.subject and spare.text != claim.text)
        if (claim.subject, claim.text) in said and any(spare.score >= _AS_GOOD * claim.score for spare in others):
            yield _fault(
                "repeated", section.question.id, claim, "it answers another question about the same thing already"
            )


def _fault(kind: FaultKind, question: str, claim: Finding, reason: str) -> Fault:
    return Fault(kind, question, claim.id, reason, _REMEDIES[kind])
