"""What stands in for the outside world, so that the programs of this folder run without a key and without a network.

Each `ScriptedModel` stands for a provider's model in one program: a function that sees a request and answers. The last
function stands for a search engine.
"""

from stretto.core.messages import ModelRequest, ToolResult
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, call, calls, say


def _role(request: ModelRequest, *words: str) -> bool:
    """Whether it is asked of whoever has these words in the instructions."""
    return all(word in request.messages[0].text for word in words)


def _results(request: ModelRequest) -> list[str]:
    """What the tools have answered since somebody spoke last."""
    spoken = max(place for place, message in enumerate(request.messages) if message.role == "user")
    parts = [part for message in request.messages[spoken:] for part in message.parts]
    return [part.content for part in parts if isinstance(part, ToolResult)]


def _last(request: ModelRequest) -> str:
    return request.messages[-1].text


# ---- langgraph_supervisor.py


def _supervisor(request: ModelRequest) -> Answer:
    known, asked = _results(request), _last(request)
    if _role(request, "You look things up"):
        return say("; ".join(known)) if known else calls(_find("GDP of the US"), _find("GDP of New York state"))
    if _role(request, "You work sums out"):
        return say(f"{float(known[1]):.2f} %") if known[1:] else _sum(known)
    said = "The US made $29.18 trillion, New York state $2.30 trillion: {} of it."
    if _role(request, "Say who is next"):
        if "%" in asked:
            return say({"next": "nobody", "say": said.format("7.87 %")})
        if "trillion" in asked:
            return say({"next": "maths", "say": "2.297 / 29.18, in percent"})
        return say({"next": "research", "say": "GDPs of the US and New York state in 2024"})
    if not known:
        return call("research", input="GDPs of the US and New York state in 2024")
    return say(said.format(known[1])) if known[1:] else call("maths", input="2.297 / 29.18, in percent")


def _find(what: str) -> Answer:
    return call("web_search", query=f"{what} in 2024")


def _sum(known: list[str]) -> Answer:
    return call("multiply", a=float(known[0]), b=100) if known else call("divide", a=2.297, b=29.18)


supervisor = ScriptedModel(_supervisor)

# ---- crewai_hierarchical.py

_TITLES = ("Agents at night", "The intern that never sleeps", "Who checks the checker", "A budget for a mind", "Say no")


def _crew(request: ModelRequest) -> Answer:
    if _role(request, "You plan work"):
        research = {"id": "ideas", "worker": "researcher", "goal": "Find 5 ideas for articles", "accept": "5 ideas"}
        return say(
            {"tasks": [research, {"id": "texts", "worker": "writer", "goal": "Write them up", "after": ["ideas"]}]}
        )
    if _role(request, "You review one result"):
        five = _TITLES[-1] in _last(request)
        return say({"ok": five, "reason": "" if five else "there are only 4"})
    if _role(request, "You are a researcher"):
        return say("; ".join(_TITLES if "only 4" in _last(request) else _TITLES[:4]))
    ideas = [{"title": title, "paragraph": f"{title}: it begins.", "notes": "Ask a founder"} for title in _TITLES]
    return say("Texts on all five.") if _role(request, "You are a senior writer") else say(ideas)


crew = ScriptedModel(_crew)

# ---- autogen_group_chat.py


def _basketball(request: ModelRequest) -> Answer:
    known, heard = _results(request), request.messages[1].text
    rebounds = "214" in heard and "398" in heard
    if _role(request, "Say who speaks next"):
        return say("analyst" if rebounds else "searcher")
    if _role(request, "You plan"):
        return say(_plan(heard, rebounds))
    if _role(request, "You find things out"):
        if known:
            return say(known[-1])
        wanted = "2008-09 rebounds" if "214" in heard else "2007-08 rebounds" if "1397" in heard else "2006-07 points"
        return call("search_scores", query=wanted)
    return say(f"They rose by {float(known[0]):.2f} %.") if known else call("percentage_change", start=214, end=398)


def _plan(heard: str, rebounds: bool) -> str:
    if "85.98" in heard:
        return "Dwyane Wade scored most, 1397 points; his rebounds rose by 85.98 %. DONE"
    if rebounds:
        return "analyst: by how much did they change?"
    if "1397" in heard:
        return f"searcher: Wade's rebounds in {'2008-09' if '214' in heard else '2007-08'}"
    return "searcher: who scored most" + (" in 2006-07?" if "which season" in heard else "?")


basketball = ScriptedModel(_basketball)

# ---- openai_agents_triage.py


def _airline(request: ModelRequest) -> Answer:
    heard = [
        message.text for message in request.messages if message.role == "user" and "handed this" not in message.text
    ]
    asked, known = heard[-1], _results(request)
    seat = any(word in asked for word in ("move", "AB12", "7C"))
    if _role(request, "find out what a passenger needs"):
        return call(f"transfer_to_{'seat' if seat else 'faq'}_desk", reason="It is theirs.")
    if _role(request, "You answer"):
        if known:
            return say(known[0])
        return call("transfer_to_triage", reason="It is about a seat.") if seat else call("faq", question=asked)
    if known:
        return say(known[0])
    if not seat:
        return call("transfer_to_triage", reason="It is a question.")
    if "7C" in asked:
        return call("update_seat", confirmation="AB12", seat="7C")
    return say("Which seat would you like?" if "AB12" in asked else "What is your confirmation number?")


airline = ScriptedModel(_airline)

# ---- adk_workflow.py


def _stages(request: ModelRequest) -> Answer:
    known, asked = _results(request), _last(request)
    if _role(request, "You research"):
        return say(known[0]) if known else call("web_search", query=request.messages[0].text.split(" with")[0][13:])
    if _role(request, "You write very short stories"):
        return say(
            "It woke. It hummed, warm as bread. It wept. It stayed." if "feedback" in asked else "A robot wakes up."
        )
    if _role(request, "You judge a story"):
        return say({"done": "warm" in asked, "advice": "" if "warm" in asked else "four sentences, and a detail"})
    if _role(request, "You find out what"):
        return say({"dollars": 40})
    return say(next(answer for words, answer in _SAID.items() if _role(request, words)))


_SAID = {
    "You write Python": "def total(xs): return sum(xs)",
    "You review": "- It has no type hints.",
    "You rework": "def total(xs: list[float]) -> float: return sum(xs)",
    "You make one report": "Energy: panels got cheaper. Cars: ranges grew. Carbon: plants run. All three moved.",
    "two or three cheap": "A picnic, a museum on its free day.",
    "two or three fancy": "A night at the opera.",
}
stages = ScriptedModel(_stages)

# ---- magentic_ledger.py


def _fuel(request: ModelRequest) -> Answer:
    asked = _last(request)
    if _role(request, "You plan work"):
        tasks = [{"id": "facts", "worker": "researcher", "goal": "find how the fuel is made"}]
        if "rejected" in asked:
            tasks.append({"id": "costs", "worker": "researcher", "goal": "find what it costs"})
        summary = {"id": "summary", "worker": "analyst", "goal": "sum up", "after": [task["id"] for task in tasks]}
        return say({"tasks": [*tasks, {**summary, "accept": "has a number"}]})
    if _role(request, "You review one result"):
        return say({"ok": "2 to 5" in asked, "reason": "there is no number in it"})
    if _role(request, "You research: "):
        return say("Made of oils, waste or captured carbon." if "made" in asked else "It costs 2 to 5 times as much.")
    if _role(request, "You analyse") and "feedback" not in asked:
        return say("It is dear.")
    return say("It is made of oils, waste or captured carbon, and costs 2 to 5 times as much as other fuel.")


fuel = ScriptedModel(_fuel)

# ---- a search engine


def web_search(query: str) -> str:
    """Search the web."""
    known = {
        "GDP of the US": "US: $29.18 trillion",
        "GDP of New York state": "New York state: $2.297 trillion",
        "renewable energy": "Solar panels got cheaper.",
        "electric cars": "Ranges grew.",
        "carbon capture": "The first plants run.",
    }
    return next((found for what, found in known.items() if what in query), "Nothing was found.")
