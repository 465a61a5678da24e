"""The report as a workflow: plan, research all questions at once, write, review and mend, ask, write the file.

Run it with `stretto run report "GOAL" --docs FOLDER`.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stretto import Brief, Orchestrator, Plan, PlannedTask, UsageError, now, settings, spent, tool, workflow
from stretto.tools.files import write_file

from . import planner, researcher, reviewer, thinking, writer
from .library import open_library
from .render import render
from .thinking import objecting, planning, researching, summing_up
from .values import Answer, Draft, Finding, Overview, Question, Verdict

REVISIONS = 3
"""How often a draft goes back to the writer at the most."""


@dataclass(frozen=True)
class Job:
    """What is asked for: a goal, the folder to answer it from, and the file to write."""

    goal: str
    docs: str
    out: str


@dataclass(frozen=True)
class Reviewed:
    """A draft, what its last review said, and how many there were."""

    draft: Draft
    verdict: Verdict
    reviews: int


# ---- what reads the documents: steps, so that a run keeps what they said


@tool
def survey(docs: str, goal: str) -> tuple[Question, ...]:
    """Look through the folder, and break the goal into questions that it can answer."""
    return planner.plan(goal, open_library(docs))


@tool
def look_up(docs: str, question: Question) -> Answer:
    """Find what the documents say to a question, word for word, with file and line."""
    return researcher.research(question, open_library(docs))


@tool
def sentences(docs: str, question: Question) -> tuple[Finding, ...]:
    """Find sentences that may answer a question, for a model to choose from."""
    return researcher.candidates(question, open_library(docs))


@tool
def overview(docs: str) -> Overview:
    """What the folder holds."""
    return open_library(docs).overview


@tool
def check(docs: str, draft: Draft) -> Verdict:
    """Hold every claim of a draft against its source."""
    return reviewer.review(draft, open_library(docs))


@tool
def mend(docs: str, draft: Draft, verdict: Verdict) -> Draft:
    """Mend what the reviewer found: restore a quote, take the next best, or leave it out."""
    return writer.revise(draft, verdict, open_library(docs))


# ---- the workers


@workflow
async def plan(brief: Brief) -> Plan | None:
    """One research task for every question; where one failed there is no other way to an answer."""
    if brief.problems:
        return None
    docs, goal = brief.goal["docs"], brief.goal["goal"]
    if thinks():
        questions = thinking.questions(await planning(thinking.PlanningBrief(goal, await overview(docs))))
    else:
        questions = await survey(docs, goal)
    return Plan(
        tuple(
            PlannedTask(
                question.id,
                question.text,
                "research",
                inputs={"docs": brief.goal["docs"], "question": question},
                accept=question.acceptance,
            )
            for question in questions
        )
    )


@workflow
async def research(docs: str, question: Question) -> Answer:
    """Answer one question from the documents."""
    if not thinks():
        return await look_up(docs, question)
    pool = await sentences(docs, question)
    found = await researching(thinking.sentences(question, pool))
    if found.more and not found.statements:
        pool = await sentences(docs, replace(question, queries=found.more))
        found = await researching(thinking.sentences(question, pool))
    return thinking.answer(question, pool, found)


@workflow
async def review(docs: str, draft: Draft) -> Verdict:
    """Check every claim against its source."""
    verdict = await check(docs, draft)
    if not thinks():
        return verdict
    objections = await objecting(thinking.sourced(draft))
    faults = (
        *(fault for fault in verdict.faults if fault.kind in ("unresolved", "misquoted")),
        *thinking.faults(objections),
    )
    return Verdict(not faults, faults, verdict.claims)


@workflow
async def write(docs: str, draft: Draft, verdict: Verdict) -> Draft:
    """A better draft."""
    if not thinks():
        return await mend(docs, draft, verdict)
    draft = thinking.without(draft, verdict.faults)
    summary = await summing_up(thinking.to_sum_up(draft, verdict.faults))
    return replace(draft, summary=summary, revision=draft.revision + 1)


@workflow
async def integrate(goal: Job, results: dict[str, Answer]) -> Reviewed:
    """Make one draft of all answers; review and mend it until nothing is found, at most `REVISIONS` times."""
    draft = writer.write(goal.goal, list(results.values()), await overview(goal.docs))
    if thinks():
        draft = replace(draft, summary=await summing_up(thinking.to_sum_up(draft)))
    verdict = await review(goal.docs, draft)
    while not verdict.ok and draft.revision < REVISIONS:
        draft = await write(goal.docs, draft, verdict)
        verdict = await review(goal.docs, draft)
    return Reviewed(thinking.without(draft, verdict.faults) if thinks() else draft, verdict, draft.revision + 1)


def thinks() -> bool:
    """Whether the run has a model; without one the same roles go by rules."""
    return settings().model not in ("", "none")


editor = Orchestrator(workers=[research], planner=plan, integrator=integrate, output=Reviewed, name="editor")


@workflow
async def report(job: Job) -> str:
    """A reviewed report, written to a file once somebody has seen the difference."""
    begun = await now()
    done = await editor(job)
    account = _account(done, await now() - begun, (await spent()).usd)
    return await write_file(job.out, render(done.draft, done.verdict, account))


def _account(done: Reviewed, seconds: float, usd: Any) -> str:
    tasks, claims, reviews = len(done.draft.sections), done.verdict.claims, done.reviews
    return (
        f"{tasks} research task{'s' if tasks > 1 else ''} ran at once; "
        f"{claims} {'claim was' if claims == 1 else 'claims were'} checked in "
        f"{reviews} review{'s' if reviews > 1 else ''}; it took {seconds:.1f} s and cost ${usd:.2f}."
    )


worker = report


def make(goal: str, *, docs: str | None = None, out: str | None = None) -> tuple[Any, Job]:
    """The worker and its input for `stretto run report`."""
    if not goal.strip():
        raise UsageError(
            'the goal is empty; say what the report should answer, like "Which licences apply, and to what?"'
        )
    if not docs:
        raise UsageError("the report needs documents; name their folder with --docs FOLDER")
    if not Path(docs).exists():
        raise UsageError(f"there is no folder {docs}; name one that holds documents with --docs")
    target = Path(out or "report.md").resolve()
    if target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"{target} cannot be written: it is a folder, or stands in none; name a file with --out")
    return report, Job(goal, str(Path(docs).resolve()), str(target))
