"""AutoGen's group chat: a planner, a searcher, an analyst and a person, who lets every plan pass before it is carried out."""

from typing import Any

from stand_ins import basketball as model  # with a key, in its place: model = "openai:gpt-5-mini"

from stretto import Agent, group_chat, person, start


def search_scores(query: str) -> str:
    """Search the web for scores; a table stands for it."""
    known = {
        "2006-07": "Points in 2006-07: Haslem 844, Wade 1397, Posey 550.",
        "2007-08": "Wade had 214 rebounds in 2007-08.",
        "2008-09": "Wade had 398 rebounds in 2008-09.",
    }
    return next((found for what, found in known.items() if what in query), "Nothing was found.")


def percentage_change(start: float, end: float) -> float:
    """By how many percent a number has changed."""
    return (end - start) / start * 100


planner = Agent(
    model,
    "You plan, and leave the work to your team: searcher finds things out, analyst calculates. Give out tasks, one a line, "
    "as `who: what`. When all are done, sum up and end with DONE.",
    name="planner",
    about="splits the task up; speaks first",
)
searcher = Agent(
    model,
    "You find things out with your tool, one search at a time, and never calculate.",
    name="searcher",
    about="searches the web",
    tools=[search_scores],
)
analyst = Agent(
    model,
    "You calculate with your tool what you were told to. Where you lack numbers, ask for them.",
    name="analyst",
    about="calculates",
    tools=[percentage_change],
)
chooser = Agent(
    model,
    "Say who speaks next, as one word: searcher or analyst. It is whoever has the first task that is not done.",
    name="chooser",
)


async def whose_turn(transcript: list[dict[str, Any]]) -> str:
    """The planner's, after all but a plan that the person has let pass; every plan is the person's first."""
    match [turn["speaker"] for turn in transcript[-2:]]:
        case [*_, "planner"]:
            return "user"
        case [*_, "user"] if "APPROVE" in transcript[-1]["said"].upper():
            return await chooser(transcript)
        case _:
            return "planner"


team = group_chat(
    planner,
    searcher,
    analyst,
    person("user", question=lambda given: given["transcript"][-1]["said"]),
    next=whose_turn,
    until=lambda transcript: "DONE" in transcript[-1]["said"],
    max=25,
)

if __name__ == "__main__":
    job = start(
        team, "Who of the Miami Heat scored most in 2006-07, and how did his rebounds change after 2007-08?", id="nba"
    )
    while job.approvals:
        job.answer(input(job.approvals[0]["prompt"] + "\n> "), by="user")
    for turn in job.conclude().transcript:
        print(f"{turn['speaker']}: {turn['said']}")
