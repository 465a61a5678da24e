"""A draft as Markdown. Quotes are marked as quotes; the sentences between them are the report's own."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from .each import MOST_SUBJECTS
from .values import Conflict, Draft, Fault, Finding, Section, Statement, Verdict
from .worth import LONGEST_LEAD

_LONGEST_TITLE = 120
_LONGEST_GOAL = 1_000
_LONGEST_VALUE = 60
_MOST_VALUES = 10
"""Values, and their characters, that are counted in the summary."""
_WIDEST_TABLE = 5
"""Columns beyond the first; more are shown as a list."""
_MOST_NAMED = 40
_MOST_SILENT = 12
"""Names in one sentence; of longer lists the rest is counted."""


def render(draft: Draft, verdict: Verdict, account: str = "") -> str:
    """Return the report as Markdown; `account`, Markdown too, is put under its last heading."""
    parts = [
        f"# {_heading(draft.goal)}",
        *_goal(draft.goal),
        "\n".join(_in_short(draft)),
        "\n".join(_stated(draft.summary, [claim for section in draft.sections for claim in section.claims])),
        *_tables(draft),
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
    read = f"{total:,} {_plural('document', total)}"
    if asked:
        yield f"- {_parts(len(answered), len(asked))}, with quotes from {len(sources)} of {read}."
    else:
        yield f"- What follows is an overview, with quotes from {len(sources)} of {read}."
    for section in draft.sections:
        if section.question.each and section.claims:
            yield f"- {_digest(section)}"
    if draft.conflicts:
        places = f"{len(draft.conflicts)} {_plural('place', len(draft.conflicts))}"
        yield f"- In {places} the sources disagree; both sides are shown below."


def _is_answered(section: Section) -> bool:
    """What only comes near an answer is none; `each` answers have notes of another kind."""
    if section.claims:
        return bool(section.question.each) or not section.note
    return not section.unanswered


def _parts(answered: int, asked: int) -> str:
    if asked == 1:
        return "The question is answered" if answered else "The question is not answered directly"
    if answered < asked:
        return f"{answered or 'None'} of the {asked} parts of the goal {'is' if answered < 2 else 'are'} answered"
    if asked == 2:
        return "Both parts of the goal are answered"
    return f"All {asked} parts of the goal are answered"


def _digest(section: Section) -> str:
    """Count equal values; where the values differ, say for which subjects there is one."""
    each = section.question.each
    values = Counter(claim.text for claim in section.claims)
    total = len(section.claims) + len(section.silent)
    if len(values) <= 0.6 * len(section.claims):
        counted = [(value, count) for value, count in values.most_common() if len(value) <= _LONGEST_VALUE][
            :_MOST_VALUES
        ]
        listed = ", ".join(f"“{value}” ({count})" for value, count in counted)
        rest = len(section.claims) - sum(count for _, count in counted)
        others = f", other words ({rest})" if rest else ""
        text = f"**{section.question.title}** (counted from the table): {listed}{others}"
    else:
        text = f"**{section.question.title}**: said of {len(section.claims)} of {total} {_plural(each, total)}"
        if len(section.claims) <= 0.5 * total:
            text += f": {_names(claim.subject for claim in section.claims)}"
    return (
        f"{text}; not stated for {_names(section.silent, _MOST_SILENT)}."
        if 0 < len(section.silent) <= 0.5 * total
        else f"{text}."
    )


def _names(names: Iterable[str], most: int = _MOST_NAMED) -> str:
    known = list(names)
    return ", ".join(known) if len(known) <= most else f"{', '.join(known[:most])} and {len(known) - most} more"


def _tables(draft: Draft) -> Iterator[str]:
    groups: dict[str, list[Section]] = defaultdict(list)
    for section in draft.sections:
        if section.question.each and section.claims:
            groups[section.question.each].append(section)
    for thing, sections in groups.items():
        yield f"## {_plural(thing, 2).capitalize()}, one by one"
        yield " ".join(dict.fromkeys(section.note for section in sections))
        yield from _table(thing, sections) if len(sections) <= _WIDEST_TABLE else _lists(sections)
        yield from _conflicts(conflict for section in sections for conflict in _of(section, draft))


def _table(thing: str, sections: list[Section]) -> Iterator[str]:
    header = [thing.capitalize(), *(section.question.title for section in sections)]
    cells = [{claim.subject: claim for claim in section.claims} for section in sections]
    subjects = sorted({subject for column in cells for subject in column}, key=str.casefold)
    rows = [header, ["---"] * len(header)]
    rows += [[f"**{_plain(subject)}**", *(_cell(column.get(subject)) for column in cells)] for subject in subjects]
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)
    silent = sorted({name for section in sections for name in section.silent} - set(subjects), key=str.casefold)
    if silent:
        yield f"Nothing was found about {_names(silent, most=MOST_SUBJECTS)}."


def _cell(claim: Finding | None) -> str:
    return f"“{_celled(claim.text)}” (`{claim.citation}`)" if claim else "not stated"


def _celled(text: str) -> str:
    return text.replace("|", "\\|")


def _lists(sections: list[Section]) -> Iterator[str]:
    by_subject: dict[str, list[str]] = defaultdict(list)
    for section in sections:
        for claim in section.claims:
            by_subject[claim.subject].append(f"- {section.question.title}: {_quoted(claim)}")
    for subject, lines in sorted(by_subject.items(), key=lambda each: each[0].casefold()):
        yield f"### {subject}\n\n" + "\n".join(lines)


def _sections(draft: Draft) -> Iterator[str]:
    """What the sources disagree about is shown once, side by side, in place of the claims."""
    for section in draft.sections:
        if section.question.each or not (section.claims or section.note):
            continue
        conflicts = _of(section, draft)
        disputed = {side.citation for each in conflicts for side in (each.left, each.right)}
        yield f"## {section.question.title}"
        yield section.note
        yield "\n".join(_stated(section.statements, section.claims))
        yield "Quoted:" if section.statements else ""
        yield "\n".join(_bullets(section, [claim for claim in section.claims if claim.citation not in disputed]))
        yield from _conflicts(conflicts)


def _stated(statements: Iterable[Statement], claims: Iterable[Finding]) -> Iterator[str]:
    """A model's statements, each with the places it rests on."""
    places = {claim.id: claim.citation for claim in claims}
    for statement in statements:
        cited = ", ".join(
            f"`{place}`" for place in dict.fromkeys(places[id] for id in statement.sources if id in places)
        )
        if cited:
            yield f"- {statement.text} ({cited})"


def _of(section: Section, draft: Draft) -> list[Conflict]:
    return [each for each in draft.conflicts if each.left.id.partition(".")[0] == section.question.id]


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
        lead = f"*{_plain(lead)}*" if lead else ""
        ordered = sorted(group, key=lambda each: each.first)
        if len(group) == 1 or not lead:
            yield from (f"- {lead}{': ' if lead else ''}{_quoted(claim)}" for claim in ordered)
        else:
            yield f"- {lead}:"
            yield from (f"  - {_quoted(claim)}" for claim in ordered)


def _below(title: str, titles: tuple[str, ...]) -> tuple[str, ...]:
    """The titles after `title`, which stands above them already."""
    return titles[titles.index(title) + 1 :] if title in titles else titles


def _quoted(claim: Finding) -> str:
    before = f"{_plain(claim.label)}: " if claim.label and claim.kind in ("fact", "row") else ""
    return f"{before}“{claim.text}” (`{claim.citation}`)"


def _plain(text: str) -> str:
    return text.replace("*", "").replace("`", "").replace("_", "\\_")


def _conflicts(conflicts: Iterable[Conflict]) -> Iterator[str]:
    rows = [f"| {_cell(each.left)} | {_cell(each.right)} | {_celled(each.reason)} |" for each in conflicts]
    if rows:
        yield "Here the sources disagree:"
        yield "\n".join(["| One source | Another source | Difference |", "| --- | --- | --- |", *rows])


def _unanswered(draft: Draft) -> Iterator[str]:
    missing = [section for section in draft.sections if section.question.asked and section.unanswered]
    if missing:
        yield "## What could not be answered"
        yield "\n".join(f"- {_asked(section.question.text)} {section.unanswered}" for section in missing)


def _asked(text: str) -> str:
    return text if text[-1:] in "?？。)" else f"{text}:" if text[:1].isascii() is False else f"{text}?"


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
        yield "\n".join(f"- `{path}` ({count} {_plural('quote', count)})" for path, count in sorted(used.items()))


def _account(draft: Draft, verdict: Verdict, account: str) -> Iterator[str]:
    overview = draft.overview
    yield "## About this report"
    skipped = ", ".join(f"{count} {reason}" for reason, count in overview.skipped.items())
    yield (
        f"Read: {overview.documents:,} {_plural('document', overview.documents)} of `{overview.name}`"
        f"{f'; not read: {skipped}' if skipped else ''}. "
        f"Every quote was compared with its source: {verdict.claims} checked, {len(verdict.faults)} open "
        f"{_plural('objection', len(verdict.faults))}, {draft.revision} {_plural('revision', draft.revision)}."
    )
    if account:
        yield account


def _plural(noun: str, count: int) -> str:
    if count == 1:
        return noun
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
