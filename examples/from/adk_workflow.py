"""Google ADK's workflow agents: in a row, side by side, in a loop, and by branch."""

from dataclasses import dataclass

from stand_ins import stages as model  # with a key, in its place: model = "openai:gpt-5-mini"
from stand_ins import web_search

from stretto import Agent, loop, parallel, pipeline, route, run, workflow

# ---- in a row: code is written, reviewed and reworked

coder = Agent(model, "You write Python for a wish. Answer with the code alone.", name="coder")
reviewer = Agent(
    model,
    "You review Python: is it right, readable, fast, safe with odd input, and good style? Answer with a short list of what "
    "matters most, or that nothing does.",
    name="reviewer",
)
reworker = Agent(model, "You rework code as its review says. Answer with the whole code alone.", name="reworker")


@workflow
async def develop(wish: str) -> str:
    """Write, review, rework: variables carry what was said."""
    code = await coder(wish)
    return await reworker({"code": code, "review": await reviewer(code)})


# ---- side by side: three fields are researched at once, and put together


def researcher(field: str) -> Agent:
    """Somebody who researches one field."""
    told = f"You research {field} with your tool. Answer in a sentence or two with what is new."
    return Agent(model, told, name="researcher", tools=[web_search])


writer = Agent(
    model,
    "You make one report of findings, and of nothing else: a heading for each field, and a conclusion of a sentence.",
    name="writer",
)
research = pipeline(
    parallel(
        energy=researcher("renewable energy"), cars=researcher("electric cars"), carbon=researcher("carbon capture")
    ),
    writer,
)

# ---- in a loop: a story is written, and again until its critic is content


@dataclass
class Critique:
    """What a critic says."""

    done: bool
    advice: str = ""


author = Agent(
    model,
    "You write very short stories. Begin with the barest draft, a sentence or two; given a draft and feedback, work the "
    "feedback in. Answer with the story alone.",
    name="author",
)
critic = Agent(
    model,
    "You judge a story. It is done once it has four sentences, a beginning, a middle, an end and one vivid detail; until "
    "then advise what to add.",
    name="critic",
    output=Critique,
)
story = loop(author, critic, until=lambda critique: critique.done, max=5)

# ---- by branch: what a weekend may cost says who plans it


@dataclass
class Weekend:
    """What somebody wants to spend, in dollars; 100 where they did not say."""

    dollars: float = 100


extract = Agent(model, "You find out what somebody wants to spend on their weekend.", name="extract", output=Weekend)
cheap = Agent(model, "You think of two or three cheap things to do for at most so much.", name="cheap")
fancy = Agent(model, "You think of two or three fancy things to do for so much.", name="fancy")


def price(weekend: Weekend) -> str:
    """Which way to go."""
    return "none" if weekend.dollars < 5 else "cheap" if weekend.dollars < 100 else "fancy"


def none(weekend: Weekend) -> str:
    """The way of those who have too little."""
    return f"There is no fun to be had for ${weekend.dollars:g}."


plan = pipeline(extract, route(price, [none, cheap, fancy]))

if __name__ == "__main__":
    print(run(develop, "a function that adds up a list", id="code"))
    print(run(research, "2025", id="research"))
    print(run(story, "a robot that finds it has feelings", id="story"))
    print(run(plan, "I have 40 dollars for the weekend", id="weekend"))
