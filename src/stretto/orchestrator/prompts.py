"""What a model is told that plans, reviews, integrates or judges; `Orchestrator(prompts={"plan": ...})` replaces one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PLAN = """You plan work for others. You are given a goal and the workers who can do it.
Make the smallest plan that reaches the goal: tasks with a short id, the worker who does it, a goal that says what to
deliver, `after` with the ids of tasks whose results it needs, and `accept` with what makes the result good enough.
Tasks that do not need each other run at once. If an earlier plan and its problems are given, what is finished stays as it
is (do not repeat those tasks, but you may need their ids in `after`): list all other tasks that are still to be done, and
find another way for what failed. If there is no other way, give a plan without tasks. If the plan itself was
rejected or cannot be carried out, give another one. If the whole was judged not good enough, give tasks with new ids that
mend it, or none where putting the results together anew will do."""

REVIEW = """You review one result of one task. Say whether it meets the task's acceptance; if not, say exactly what is wrong."""

INTEGRATE = """You are given a goal and the results of the tasks done for it. Make the one deliverable that the goal asks for,
from these results alone. Where results contradict each other, say so and say which one you used and why. If something is
given as resolved, use what was chosen. If a draft and feedback are given, mend the draft."""

JUDGE = """You judge one finished result against the goal that it was made for. Give a value between 0 (useless) and 1 (nothing
to mend), and as the reason exactly what would have to change."""

PROMPTS: Mapping[str, str] = MappingProxyType({"plan": PLAN, "review": REVIEW, "integrate": INTEGRATE, "judge": JUDGE})
"""The prompts by the part that sends them."""
