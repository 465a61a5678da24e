"""Agent Framework's Magentic orchestration: a manager keeps a ledger of plan and progress, and a person passes the plan."""

from stand_ins import fuel as model  # with a key, in its place: model = "openai:gpt-5-mini"

from stretto import Agent, Orchestrator, Run, start

researcher = Agent(model, "You research: you find information and gather facts.", name="researcher")
analyst = Agent(model, "You analyse findings and sum them up.", name="analyst")
manager = Orchestrator(
    model,
    [researcher, analyst],
    name="manager",
    instructions="You lead a team.",
    approve_plan=True,
    repair=1,
    max_plans=3,
)


def ledger(job: Run) -> None:
    """Print who shall do what, and how far it is."""
    state = {task.label: task.state for task in job.tasks}
    for task in job.plan.tasks if job.plan else ():
        print(f"  {task.id}: {task.worker} shall {task.goal} ({state.get(task.id, 'to do')})")


if __name__ == "__main__":
    job = start(manager, "Research sustainable aviation fuel, and sum up what you found.", id="fuel")
    while job.approvals:
        ledger(job)
        if advice := input(f"{job.approvals[0]['prompt']} Enter, or what should be different: "):
            job.reject(by="user", reason=advice)
        else:
            job.approve(by="user")
    ledger(job)
    print(job.conclude())
