"""The whole of it in a plain loop, for a look without an engine: `draft_report(goal, folder)`."""

from pathlib import Path

from .library import open_library
from .planner import plan
from .render import render
from .researcher import research
from .reviewer import review
from .writer import revise, write

MOST_REVISIONS = 3


def draft_report(goal: str, folder: str | Path) -> str:
    """Return the report on `folder` for `goal`, as Markdown.

    Raises `UsageError` if the goal is empty or nothing in the folder can be read.
    """
    library = open_library(folder)
    answers = [research(question, library) for question in plan(goal, library)]
    draft = write(goal, answers, library.overview)
    verdict = review(draft, library)
    while not verdict.ok and draft.revision < MOST_REVISIONS:
        draft = revise(draft, verdict, library)
        verdict = review(draft, library)
    return render(draft, verdict)
