"""The same roles with a language model: it asks, states, sums up and objects; what it cites stays quoted word for word.

A model never writes a citation. It is given sentences with ids, and says which of them each of its statements rests on;
a statement that rests on none is not printed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stretto import Agent

from .keywords import keywords
from .values import Answer, Draft, Fault, Finding, Overview, Question, Section, Statement

PLAN = """You plan a report that is written from documents alone. You are given its goal and what the documents are.
Break the goal into the questions (3 to 7, fewer if it asks less) whose answers together reach it. Give each a short
title and two to four search queries in the documents' own words."""

RESEARCH = """You answer one question from sentences of documents, and from nothing else. Each sentence has an id.
Write short statements in your own words, each with the ids of the sentences it rests on; a statement must say no more
than they do. If sentences contradict each other, state both. If you need other sentences, give search queries in `more`
(once). If the sentences do not answer the question, leave `statements` empty and say what is
missing in `unanswered`."""

WRITE = """You write the summary of a report: three to six statements that together answer its goal, each with the ids
of the sentences it rests on, taken from the statements of its sections. Say nothing that they do not say. Where you are
given objections, correct the statements they name, or leave them out."""

REVIEW = """You review statements against the sentences they rest on. Object to every statement that says more than its
sentences, loses a negation or a condition, or does not belong to its question. Say exactly what is wrong with each.
Object to nothing else."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question as a model asks it."""

    title: str
    question: str
    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a model makes of the sentences it was given."""

    statements: tuple[Statement, ...] = ()
    more: tuple[str, ...] = ()
    unanswered: str = ""


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong with a statement, which is named by its text."""

    statement: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanningBrief:
    """What the planner is given."""

    goal: str
    documents: Overview


@dataclass(frozen=True, slots=True)
class Sourced:
    """A statement with the sentences it rests on."""

    statement: str
    question: str
    sentences: tuple[str, ...]


planning = Agent(None, PLAN, name="planner", output=tuple[Ask, ...], input=PlanningBrief)
researching = Agent(None, RESEARCH, name="researcher", output=Found)
summing_up = Agent(None, WRITE, name="writer", output=tuple[Statement, ...])
objecting = Agent(None, REVIEW, name="reviewer", output=tuple[Objection, ...])


def questions(asked: Sequence[Ask]) -> tuple[Question, ...]:
    """The questions that a model asked, as the other roles know them."""
    return tuple(
        Question(
            id=f"q{number}",
            text=ask.question,
            title=ask.title,
            topic="",
            terms=keywords(ask.question),
            context=(),
            queries=(ask.question, *ask.queries),
            each="",
            within="",
            asked=True,
            acceptance="answered by statements that rest on quoted sentences, or said to be unanswered",
        )
        for number, ask in enumerate(asked, start=1)
    )


def sentences(question: Question, pool: Sequence[Finding]) -> dict[str, object]:
    """What the researcher is given."""
    return {
        "question": question.text,
        "sentences": [{"id": each.id, "at": each.citation, "text": each.text} for each in pool],
    }


def answer(question: Question, pool: Sequence[Finding], found: Found) -> Answer:
    """What a model found, with the sentences it cites; statements that rest on none of them are left out."""
    known = {finding.id: finding for finding in pool}
    said = tuple(Statement(each.text, tuple(id for id in each.sources if id in known)) for each in found.statements)
    said = tuple(each for each in said if each.sources)
    cited = dict.fromkeys(id for each in said for id in each.sources)
    silent = found.unanswered or "The sentences that were found do not answer it."
    return Answer(question, tuple(known[id] for id in cited), (), (), (), "", "" if said else silent, said)


def sourced(draft: Draft) -> list[Sourced]:
    """Every statement of a draft with the sentences it rests on, for the reviewer."""
    quotes = {claim.id: claim.text for section in draft.sections for claim in section.claims}
    own = [(statement, section.question.text) for section in draft.sections for statement in section.statements]
    whole = [*own, *((statement, draft.goal) for statement in draft.summary)]
    return [
        Sourced(said.text, asked, tuple(quotes[id] for id in said.sources if id in quotes)) for said, asked in whole
    ]


def to_sum_up(draft: Draft, faults: Iterable[Fault] = ()) -> dict[str, object]:
    """What the writer of the summary is given."""
    sections = [
        {"question": section.question.text, "statements": section.statements, "unanswered": section.unanswered}
        for section in draft.sections
    ]
    objections = [{"statement": fault.claim, "reason": fault.reason} for fault in faults]
    return {"goal": draft.goal, "sections": sections, **({"objections": objections} if objections else {})}


def without(draft: Draft, faults: Iterable[Fault]) -> Draft:
    """The draft without the statements that were objected to, and without quotes that nothing rests on any more."""
    refused = {fault.claim for fault in faults}
    return replace(
        draft,
        sections=tuple(_kept(section, refused) for section in draft.sections),
        summary=tuple(each for each in draft.summary if each.text not in refused),
    )


def _kept(section: Section, refused: set[str]) -> Section:
    said = tuple(each for each in section.statements if each.text not in refused)
    if len(said) == len(section.statements):
        return section
    used = {id for each in said for id in each.sources}
    unanswered = section.unanswered or ("" if said else "What was found did not stand up to review.")
    return replace(
        section,
        statements=said,
        claims=tuple(claim for claim in section.claims if claim.id in used),
        unanswered=unanswered,
    )


def faults(objections: Iterable[Objection]) -> tuple[Fault, ...]:
    """Objections as the report lists them."""
    return tuple(Fault("unsupported", "", each.statement, each.reason, "leave it out") for each in objections)
