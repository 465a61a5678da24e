"""stretto: durable orchestration of AI agents, tools, programs and people. The journal is the run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stretto.agents.agent import Agent as Agent
    from stretto.app.api import run as run
    from stretto.app.api import start as start
    from stretto.app.handle import Run as Run
    from stretto.app.host import App as App
    from stretto.core.errors import JournalError as JournalError
    from stretto.core.errors import LoopDetected as LoopDetected
    from stretto.core.errors import ModelError as ModelError
    from stretto.core.errors import NotDone as NotDone
    from stretto.core.errors import PolicyDenied as PolicyDenied
    from stretto.core.errors import ReplayMismatch as ReplayMismatch
    from stretto.core.errors import RunCancelled as RunCancelled
    from stretto.core.errors import RunFailed as RunFailed
    from stretto.core.errors import RunWaiting as RunWaiting
    from stretto.core.errors import StepError as StepError
    from stretto.core.errors import StrettoError as StrettoError
    from stretto.core.errors import ToolError as ToolError
    from stretto.core.errors import UsageError as UsageError
    from stretto.core.errors import WorkerFailed as WorkerFailed
    from stretto.core.values import Accepted as Accepted
    from stretto.core.values import Budget as Budget
    from stretto.core.values import Done as Done
    from stretto.core.values import Failed as Failed
    from stretto.core.values import Preview as Preview
    from stretto.core.values import Rejected as Rejected
    from stretto.core.values import Score as Score
    from stretto.orchestrator.orchestrator import Orchestrator as Orchestrator
    from stretto.patterns.fallback import fallback as fallback
    from stretto.patterns.loop import loop as loop
    from stretto.patterns.parallel import parallel as parallel
    from stretto.patterns.pipeline import pipeline as pipeline
    from stretto.patterns.route import route as route
    from stretto.policy.gate import Rules as Rules
    from stretto.runtime.branches import gather as gather
    from stretto.runtime.branches import race as race
    from stretto.runtime.branches import timeout as timeout
    from stretto.runtime.checkins import check_in as check_in
    from stretto.runtime.functions import ask as ask
    from stretto.runtime.functions import now as now
    from stretto.runtime.functions import random as random
    from stretto.runtime.functions import receive as receive
    from stretto.runtime.functions import review as review
    from stretto.runtime.functions import settings as settings
    from stretto.runtime.functions import sleep as sleep
    from stretto.runtime.functions import spent as spent
    from stretto.runtime.workflow import workflow as workflow
    from stretto.tools.tool import Tool as Tool
    from stretto.tools.tool import tool as tool

_HOMES = {
    "agents.agent": "Agent",
    "app.api": "run start",
    "app.handle": "Run",
    "app.host": "App",
    "core.errors": "JournalError LoopDetected ModelError NotDone PolicyDenied ReplayMismatch RunCancelled "
    "RunFailed RunWaiting StepError StrettoError ToolError UsageError WorkerFailed",
    "core.values": "Accepted Budget Done Failed Preview Rejected Score",
    "orchestrator.orchestrator": "Orchestrator",
    "patterns.fallback": "fallback",
    "patterns.loop": "loop",
    "patterns.parallel": "parallel",
    "patterns.pipeline": "pipeline",
    "patterns.route": "route",
    "policy.gate": "Rules",
    "runtime.branches": "gather race timeout",
    "runtime.checkins": "check_in",
    "runtime.functions": "ask now random receive review settings sleep spent",
    "runtime.workflow": "workflow",
    "tools.tool": "Tool tool",
}
_HOME = {name: f"stretto.{module}" for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME)  # noqa: PLE0605  the names are sorted once, here
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used: `import stretto` itself costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'stretto' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
