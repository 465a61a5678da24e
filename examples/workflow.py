"""A workflow: plain Python whose calls are tasks, with a review by a person and an action that gates itself."""

from stretto import Accepted, Agent, Rejected, gather, review, start, tool, workflow
from stretto.testing import ScriptedModel

model = ScriptedModel(lambda request: f"<{request.messages[-1].text}>")  # with a key: model = "openai:gpt-5-mini"
research = Agent(model, "You research.", name="research")
write = Agent(model, "You write posts.", name="write")


@tool(risk="high", effect="once")
def publish(post: str) -> str:
    """Put a post on the web."""
    return f"published: {post}"


@workflow(budget="$5")
async def weekly_post(topic: str) -> str:
    """Research from three sides at once, draft, have it reviewed, publish."""
    notes = await gather((research(f"{topic}: {side}") for side in ("market", "rivals", "law")), limit=2)
    draft = await write("; ".join(notes))
    match await review(draft, "Ready to publish?", to="editors"):
        case Accepted(post):
            return await publish(post)
        case Rejected(reason):
            return await write(f"{draft}, but {reason}")


if __name__ == "__main__":
    job = start(weekly_post, "EV", db=":memory:")
    print(job.approvals[0]["prompt"], job.approvals[0]["content"])
    job.approve(by="Ann", edit="Electric cars, in short.")  # the editor revises what was shown
    print(job.approvals[0]["kind"], "of", job.approvals[0]["tool"], job.approvals[0]["args"])
    job.approve(by="Ann")  # exactly this call
    print(job.output)
