"""Best of three: three writers, a judge, and an end as soon as one is good enough. What the others wrote stays.

python best_of_three.py                                          finds a slogan
stretto run best_of_three.py:campaign "a shop for bicycles" --model openai:gpt-5-mini
"""

import asyncio

from offline import System, heard, model

from stretto import Agent, Score, compete, pipeline, run, tool
from stretto.core.messages import ModelRequest

billboard = System("billboard")

plain = Agent(instructions="You write a slogan. Say what is sold, in six words.", name="plain")
bold = plain.using(instructions="You write a slogan. Surprise.", name="bold", settings={"temperature": 1.2})
warm = plain.using(instructions="You write a slogan. Speak to one person.", name="warm")
judge = Agent(instructions="You judge a slogan: clear, short, its own.", name="judge", output=Score)

slogan = compete(plain, bold, warm, judge=judge, accept=0.9)


@tool(effect="once", verify=billboard.did)
def put_up(slogan: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Order the billboards."""
    return billboard.do(idempotency_key, slogan=slogan)


campaign = pipeline(slogan, put_up)


# ---- stands in for a model, so that this runs without a key


async def takes_its_time(_: ModelRequest) -> str:
    """A writer whom nobody waits for once another was good enough."""
    await asyncio.sleep(2)
    return "Ride into the unknown."


MODEL = model(
    {
        "You write a slogan. Say": "Bicycles sold and mended in Oulu.",
        "You write a slogan. Surprise": takes_its_time,
        "You write a slogan. Speak": "Your bicycle, ready for your winter.",
        "You judge": lambda request: {"value": 0.95 if "Your" in heard(request) else 0.6, "reason": "how it speaks"},
    }
)


def main() -> dict[str, str]:
    """What the billboards say."""
    return dict(run(campaign, "a shop for bicycles", id="spring", model=MODEL))


if __name__ == "__main__":
    print(main()["slogan"])
