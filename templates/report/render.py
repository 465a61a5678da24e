"""A draft as Markdown. Quotes are marked as quotes; the sentences between them are the report's own."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from .clauses import is_question
from .tables import conflicts_of, digest, disagreeing, plain, plural, quoted, tables
from .values import Draft, Fault, Finding, Section, Statement, Verdict
from .worth import LONGEST_LEAD

_LONGEST_TITLE = 120
_LONGEST_GOAL = 1_000


def render(draft: Draft, verdict: Verdict, account: str = "") -> str:
    """Return the report as Markdown; `account`, Markdown too, is put under its last heading."""
    parts = [
        f"# {_heading(draft.goal)}",
        *_goal(draft.goal),
        "\n".join(_in_short(draft)),
        "\n".join(_stated(draft.summary, [claim for section in draft.sections for claim in section.claims])),
        *tables(draft),
        *_sections(draft),
        *_unanswered(draft),
        *_remaining(verdict.faults, draft),
        *_sources(draft),
        "\n\n".join(_account(draft, verdict, account)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(goal: str) -> str:
    line = " ".join(goal.split()) or "Report"
    return line if len(line) <= _LONGEST_TITLE else f"{line[:_LONGEST_TITLE].rsplit(' ', 1)[0]} …"


def _goal(goal: str) -> Iterator[str]:
    line = " ".join(goal.split())
    if len(line) > _LONGEST_TITLE:
        shown = line if len(line) <= _LONGEST_GOAL else f"{line[:_LONGEST_GOAL]} … ({len(goal):,} characters)"
        yield f"**Goal.** {shown}"


def _in_short(draft: Draft) -> Iterator[str]:
    yield "## In short\n"
    asked = [section for section in draft.sections if section.question.asked]
    answered = [section for section in asked if _is_answered(section)]
    sources = {claim.path for section in draft.sections for claim in section.claims}
    total = draft.overview.documents
    read = f"{total:,} {plural('document', total)}"
    if asked:
        extent = f", with quotes from {len(sources)} of {read}" if sources else f" from the {read} read"
        yield f"- {_parts(len(answered), len(asked))}{extent}."
    else:
        yield f"- What follows is an overview, with quotes from {len(sources)} of {read}."
    for section in draft.sections:
        if section.question.each and section.claims:
            yield f"- {digest(section)}"
    if draft.conflicts:
        places = f"{len(draft.conflicts)} {plural('place', len(draft.conflicts))}"
        yield f"- In {places} the sources disagree; both sides are shown below."


def _is_answered(section: Section) -> bool:
    """What only comes near an answer is none; `each` answers have notes of another kind."""
    if section.claims:
        return bool(section.question.each) or not section.note
    return not section.unanswered


def _parts(answered: int, asked: int) -> str:
    if asked == 1:
        return "The question is answered" if answered else "The question could not be answered"
    if answered < asked:
        return f"{answered or 'None'} of the {asked} parts of the goal {'is' if answered < 2 else 'are'} answered"
    if asked == 2:
        return "Both parts of the goal are answered"
    return f"All {asked} parts of the goal are answered"


def _sections(draft: Draft) -> Iterator[str]:
    """What the sources disagree about is shown once, side by side, in place of the claims."""
    for section in draft.sections:
        if section.question.each or not (section.claims or section.note):
            continue
        conflicts = conflicts_of(section, draft)
        disputed = {side.citation for each in conflicts for side in (each.left, each.right)}
        yield f"## {section.question.title}"
        yield section.note
        yield "\n".join(_stated(section.statements, section.claims))
        yield "Quoted:" if section.statements else ""
        yield "\n".join(_bullets(section, [claim for claim in section.claims if claim.citation not in disputed]))
        yield from disagreeing(conflicts)


def _stated(statements: Iterable[Statement], claims: Iterable[Finding]) -> Iterator[str]:
    """A model's statements, each with the places it rests on."""
    places = {claim.id: claim.citation for claim in claims}
    for statement in statements:
        cited = ", ".join(
            f"`{place}`" for place in dict.fromkeys(places[id] for id in statement.sources if id in places)
        )
        if cited:
            yield f"- {statement.text} ({cited})"


def _bullets(section: Section, claims: Iterable[Finding]) -> Iterator[str]:
    """Claims from one place of a document stand together, under the sentence that introduces them."""
    places: dict[tuple[str, tuple[str, ...], str], list[Finding]] = defaultdict(list)
    for claim in claims:
        places[
            claim.path, claim.section, claim.label if claim.kind == "item" and len(claim.label) <= LONGEST_LEAD else ""
        ].append(claim)
    for (path, titles, label), group in places.items():
        place = " › ".join(_below(section.question.within, titles)) or ("" if section.question.within else path)
        lead = " › ".join(part for part in (place, label.rstrip(": ：")) if part)
        lead = f"*{plain(lead)}*" if lead else ""
        ordered = sorted(group, key=lambda each: each.first)
        if len(group) == 1 or not lead:
            yield from (f"- {lead}{': ' if lead else ''}{quoted(claim)}" for claim in ordered)
        else:
            yield f"- {lead}:"
            yield from (f"  - {quoted(claim)}" for claim in ordered)


def _below(title: str, titles: tuple[str, ...]) -> tuple[str, ...]:
    """The titles after `title`, which stands above them already."""
    return titles[titles.index(title) + 1 :] if title in titles else titles


def _unanswered(draft: Draft) -> Iterator[str]:
    missing = [section for section in draft.sections if section.question.asked and section.unanswered]
    if missing:
        yield "## What could not be answered"
        yield "\n".join(f"- {_asked(section.question.text)} {section.unanswered}" for section in missing)


def _asked(text: str) -> str:
    return text if text[-1:] in "?？。" else f"{text}?" if is_question(text) else f"{text}:"


def _remaining(faults: tuple[Fault, ...], draft: Draft) -> Iterator[str]:
    if faults:
        cited = {claim.id: claim.citation for section in draft.sections for claim in section.claims}
        yield "## What the reviewer still objects to"
        yield "\n".join(
            f"- `{cited.get(fault.claim, fault.question)}`: {fault.reason}; {fault.remedy}." for fault in faults
        )


def _sources(draft: Draft) -> Iterator[str]:
    """The documents quoted outside tables, whose rows name theirs."""
    used = Counter(claim.path for section in draft.sections if not section.question.each for claim in section.claims)
    if used:
        yield "## Sources"
        yield "\n".join(f"- `{path}` ({count} {plural('quote', count)})" for path, count in sorted(used.items()))


def _account(draft: Draft, verdict: Verdict, account: str) -> Iterator[str]:
    overview = draft.overview
    yield "## About this report"
    skipped = ", ".join(f"{count} {reason}" for reason, count in overview.skipped.items())
    yield (
        f"Read: {overview.documents:,} {plural('document', overview.documents)} of `{overview.name}`"
        f"{f'; not read: {skipped}' if skipped else ''}. "
        f"Every quote was compared with its source: {verdict.claims} checked, {len(verdict.faults)} open "
        f"{plural('objection', len(verdict.faults))}, {draft.revision} {plural('revision', draft.revision)}."
    )
    if account:
        yield account
