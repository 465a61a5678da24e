"""CrewAI's hierarchical process: a project manager gives the work to a researcher and a writer, and checks it."""

from dataclasses import dataclass

from stand_ins import crew as model  # with a key, in its place: model = "openai:gpt-5-mini"

from stretto import Agent, Orchestrator, run


@dataclass
class Idea:
    """An article that could be written."""

    title: str
    paragraph: str
    notes: str


researcher = Agent(
    model,
    "You are a researcher. You study AI and AI agents in depth. You know technology, software and startups, and work "
    "freelance; a new client has just called.",
    name="researcher",
)
writer = Agent(
    model,
    "You are a senior writer. You make AI and AI agents a good read. You know technology, software and startups, and "
    "work freelance; a new client has just called.",
    name="writer",
)
crew = Orchestrator(
    model,
    [researcher, writer],
    name="manager",
    instructions="You are a project manager. You get the best out of your crew, in time. You have led many large projects.",
    output=list[Idea],
)

if __name__ == "__main__":
    for idea in run(
        crew, "Find 5 ideas for articles on AI agents; a gripping paragraph and notes on each.", id="ideas"
    ):
        print(f"{idea.title}: {idea.paragraph} ({idea.notes})")
