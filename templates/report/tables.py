"""Parts of a report that stand in tables: things asked one by one, and what the sources disagree about."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from .each import MOST_SUBJECTS
from .values import Conflict, Draft, Finding, Section

_LONGEST_VALUE = 60
_MOST_VALUES = 10
"""Values, and their characters, that are counted in the summary."""
_WIDEST_TABLE = 5
"""Columns beyond the first; more are shown as a list."""
_MOST_NAMED = 40
_MOST_SILENT = 12
"""Names in one sentence; of longer lists the rest is counted."""


def digest(section: Section) -> str:
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
        text = f"**{section.question.title}**: said of {len(section.claims)} of {total} {plural(each, total)}"
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


def tables(draft: Draft) -> Iterator[str]:
    """Yield the tables of things asked one by one, each with its heading."""
    groups: dict[str, list[Section]] = defaultdict(list)
    for section in draft.sections:
        if section.question.each and section.claims:
            groups[section.question.each].append(section)
    for thing, sections in groups.items():
        yield f"## {plural(thing, 2).capitalize()}, one by one"
        yield " ".join(dict.fromkeys(section.note for section in sections))
        yield from _table(thing, sections) if len(sections) <= _WIDEST_TABLE else _lists(sections)
        yield from disagreeing(conflict for section in sections for conflict in conflicts_of(section, draft))


def _table(thing: str, sections: list[Section]) -> Iterator[str]:
    header = [thing.capitalize(), *(section.question.title for section in sections)]
    cells = [{claim.subject: claim for claim in section.claims} for section in sections]
    subjects = sorted({subject for column in cells for subject in column}, key=str.casefold)
    rows = [header, ["---"] * len(header)]
    rows += [[f"**{plain(subject)}**", *(_cell(column.get(subject)) for column in cells)] for subject in subjects]
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
            by_subject[claim.subject].append(f"- {section.question.title}: {quoted(claim)}")
    for subject, lines in sorted(by_subject.items(), key=lambda each: each[0].casefold()):
        yield f"### {subject}\n\n" + "\n".join(lines)


def disagreeing(conflicts: Iterable[Conflict]) -> Iterator[str]:
    """Yield a table of statements that can't both hold, side by side; nothing if there are none."""
    rows = [f"| {_cell(each.left)} | {_cell(each.right)} | {_celled(each.reason)} |" for each in conflicts]
    if rows:
        yield "Here the sources disagree:"
        yield "\n".join(["| One source | Another source | Difference |", "| --- | --- | --- |", *rows])


def conflicts_of(section: Section, draft: Draft) -> list[Conflict]:
    """Return the disagreements about a section's question."""
    return [each for each in draft.conflicts if each.left.id.partition(".")[0] == section.question.id]


def quoted(claim: Finding) -> str:
    """Return a claim in quotation marks, with its citation."""
    before = f"{plain(claim.label)}: " if claim.label and claim.kind in ("fact", "row") else ""
    return f"{before}“{claim.text}” (`{claim.citation}`)"


def plain(text: str) -> str:
    """Return `text` without signs that Markdown would read."""
    return text.replace("*", "").replace("`", "").replace("_", "\\_")


def plural(noun: str, count: int) -> str:
    """Return `noun` as it stands after `count`."""
    if count == 1:
        return noun
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
