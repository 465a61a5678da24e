"""An orchestrator: it plans, gives tasks to workers, has the results reviewed, and puts them together."""

from stretto import Agent, Orchestrator, start
from stretto.core.messages import ModelRequest
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, say

PLAN = {
    "tasks": [
        {"id": "market", "worker": "research", "goal": "EV market"},
        {"id": "rivals", "worker": "research", "goal": "EV makers", "accept": "names three makers"},
        {"id": "report", "worker": "write", "goal": "Write the report", "after": ["market", "rivals"]},
    ]
}


def think(request: ModelRequest) -> Answer:
    """What a model would say to each part, by its instructions."""
    told, asked = request.messages[0].text, request.messages[-1].text
    if told.startswith("You plan"):
        return say(PLAN)
    if told.startswith("You review"):
        return say({"ok": True})
    if told.startswith("You research"):
        return say(f"Findings on {asked}.")
    return say("EVs are a quarter of new cars; three makers lead.")


model = ScriptedModel(think)  # with a key: model = "anthropic:claude-sonnet-4-6"
research = Agent(model, "You research markets.", name="research")
write = Agent(model, "You write reports.", name="write")
boss = Orchestrator(model, workers=[research, write], budget="$2", approve_plan=True)

if __name__ == "__main__":
    job = start(boss, "Create an EV market report", db=":memory:")
    assert job.plan
    print("the plan:", *(f"{task.id} by {task.worker}" for task in job.plan.tasks), sep="\n- ")
    job.approve(by="Ann")
    print(job.output)
