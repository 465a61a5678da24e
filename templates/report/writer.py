"""The writer: answers become a draft, and a draft with faults becomes a better one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from stretto.memory.quotes import Enclosing, dangling, enclosing, find_quote, repeats

from .library import Library
from .relevance import Measure
from .reviewer import faults_of
from .values import Answer, Conflict, Draft, Fault, Finding, Overview, Section, Verdict
from .worth import LONGEST

NOTHING_LEFT = "What was found did not stand up to review."
ABOVE = "What the documents say to this is quoted in the sections above."


def write(goal: str, answers: Sequence[Answer], overview: Overview) -> Draft:
    """Return the first draft: a section for each question of the goal, and for each added one that has an answer."""
    sections = tuple(
        Section(
            answer.question,
            answer.findings,
            answer.spares,
            answer.silent,
            answer.note,
            answer.unanswered,
            answer.statements,
        )
        for answer in answers
        if answer.findings or answer.question.asked
    )
    return Draft(goal, sections, tuple(_distinct(answers)), overview, revision=0)


def revise(draft: Draft, verdict: Verdict, library: Library) -> Draft:
    """Return `draft` with each fault mended: the quote restored or replaced by the next best, or else taken out."""
    sections: list[Section] = []
    for section in draft.sections:
        faults = [fault for fault in verdict.faults if fault.question == section.question.id]
        taken = [claim.text for other in (*sections, *draft.sections[len(sections) + 1 :]) for claim in other.claims]
        sections.append(_mended(section, faults, taken, library) if faults else section)
    kept = tuple(section for section in sections if section.claims or section.question.asked)
    faulty = {fault.claim for fault in verdict.faults}
    conflicts = tuple(each for each in draft.conflicts if not {each.left.id, each.right.id} & faulty)
    return replace(draft, sections=kept, conflicts=conflicts, revision=draft.revision + 1)


def _distinct(answers: Iterable[Answer]) -> Iterable[Conflict]:
    seen: set[frozenset[str]] = set()
    for answer in answers:
        for conflict in answer.conflicts:
            sides = frozenset((conflict.left.citation, conflict.right.citation))
            if sides not in seen:
                seen.add(sides)
                yield conflict


def _mended(section: Section, faults: list[Fault], taken: list[str], library: Library) -> Section:
    by_claim = {fault.claim: fault for fault in faults}
    sound = [claim for claim in section.claims if claim.id not in by_claim]
    known = taken + [claim.text for claim in sound] if not section.question.each else []
    spares = list(section.spares)
    claims: list[Finding] = []
    lost: list[str] = []
    for claim in section.claims:
        fault = by_claim.get(claim.id)
        better = claim if fault is None else _restored(claim, fault, library)
        if fault and (better is None or _is_known(better, known)):
            better = _next(section, spares, claim, known, library)
        if better is None and fault and fault.kind == "repeated" and section.question.each:
            better = claim
        if better is None:
            lost.append(claim.subject)
            continue
        claims.append(better)
        known += [better.text] if fault and not section.question.each else []
    above = not claims and bool(faults) and all(fault.kind == "repeated" for fault in faults)
    silent = (*section.silent, *lost) if section.question.each else ()
    return replace(
        section,
        claims=tuple(claim for claim in claims if not any(_is_part(claim, other) for other in claims)),
        spares=tuple(spares),
        silent=tuple(sorted(dict.fromkeys(silent), key=str.casefold)),
        note=ABOVE if above else section.note,
        unanswered="" if claims or above else section.unanswered or NOTHING_LEFT,
    )


def _is_part(claim: Finding, other: Finding) -> bool:
    """Whether a claim stands whole in another, which was extended."""
    return claim.path == other.path and claim.text != other.text and claim.text in other.text


def _restored(claim: Finding, fault: Fault, library: Library) -> Finding | None:
    """Return the claim with whole sentences and what its beginning refers to, if that mends the fault."""
    if fault.kind == "misquoted":
        document = library.documents.get(claim.path)
        lines = find_quote(document, claim.text) if document else None
        return replace(claim, first=lines[0], last=lines[1]) if lines else None
    if fault.kind not in ("dangling", "cut"):
        return None
    place = enclosing(library.passages_of(claim.path), claim.text, claim.first, claim.last)
    return _with_antecedent(claim, place) if place else None


def _with_antecedent(claim: Finding, place: Enclosing) -> Finding | None:
    around, before = place.around, place.before
    while dangling(around[0].text) and before:
        around, before = (before[-1], *around), before[:-1]
    text = Enclosing(place.passage, around, before).text
    if dangling(text) or len(text) > LONGEST:
        return None
    return replace(claim, text=text, first=around[0].first, last=around[-1].last)


def _next(
    section: Section, spares: list[Finding], claim: Finding, known: list[str], library: Library
) -> Finding | None:
    """Take the best spare that has no fault of its own; of things asked one by one, one about the same thing."""
    measure = Measure(section.question, library, lenient=bool(section.note))
    for spare in list(spares):
        if section.question.each and (spare.subject != claim.subject or spare.text == claim.text):
            continue
        spares.remove(spare)
        if not _is_known(spare, known) and not faults_of(spare, measure, library):
            return spare
    return None


def _is_known(claim: Finding, known: list[str]) -> bool:
    return any(repeats(claim.text, text) for text in known)
