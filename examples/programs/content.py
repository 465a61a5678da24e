"""A post a week: what is talked about, research from three sides, a draft, an editor, the web site, social media.

python content.py                                                writes this week's post
stretto run content.py:weekly_post "a shop for bicycles" --model openai:gpt-5-mini
"""

from dataclasses import dataclass

from offline import System, model, people

from stretto import Accepted, Agent, Rejected, gather, review, start, tool, workflow

site, social = System("site"), System("social")


@dataclass
class Post:
    """What is published. `meta` is what search engines show, at most 160 letters."""

    title: str
    meta: str
    text: str


def short(post: Post) -> str | None:
    """A check: what it returns goes back to the writer."""
    return f"meta has {len(post.meta)} letters; 160 are allowed" if len(post.meta) > 160 else None


watch = Agent(instructions="You name the one topic that our readers talk about this week.", name="watch")
research = Agent(instructions="You research one side of a topic.", name="research")
write = Agent(
    instructions="You write a friendly post for our readers, with the words they search for.",
    name="write",
    output=Post,
    accept=short,
)
tease = Agent(instructions="You write two sentences on a post for the network that you are given.", name="tease")


@tool(effect="once", verify=site.did)
def publish(post: Post, *, idempotency_key: str = "") -> dict[str, str]:
    """Put a post on our web site."""
    return site.do(idempotency_key, title=post.title, meta=post.meta, text=post.text)


@tool(effect="once", verify=social.did)
def save_draft(network: str, text: str, *, idempotency_key: str = "") -> dict[str, str]:
    """Keep a draft for a network; somebody posts it."""
    return social.do(idempotency_key, draft=text, network=network)


@workflow(budget="$2")
async def weekly_post(readers: str) -> str:
    """Write this week's post; what the editor makes of it is what is published, or nothing is."""
    topic = await watch(readers)
    notes = await gather(research({"topic": topic, "side": side}) for side in ("facts", "people", "costs"))
    draft = await write({"readers": readers, "topic": topic, "notes": notes})
    match await review(draft, "Publish this?", to="editors", check=short, expires="5 days"):
        case Rejected(reason):
            return f"nothing on {topic} this week: {reason}"
        case Accepted(post):
            await publish(post)
            for network in ("mastodon", "linkedin"):
                await save_draft(network, await tease({"post": post, "network": network}))
            return f"published: {post.title}"


# ---- stands in for a model and an editor, so that this runs without a key

EDITED = {"title": "Winter tyres?", "meta": "When they pay off.", "text": "Below 7 degrees, and on ice."}
MODEL = model(
    {
        "You name": "winter tyres",
        "You research": lambda request: f"found: {request.messages[-1].text}",
        "You write a": {"title": "All about winter tyres", "meta": "Tyres for winter.", "text": "They are soft."},
        "You write two": "New on our site.",
    }
)


def main() -> str:
    """What became of week 14."""
    return str(people(start(weekly_post, "a shop for bicycles", id="week-14", model=MODEL), {"Publish this?": EDITED}))


if __name__ == "__main__":
    print(main())
