"""stretto: durable orchestration of AI agents, tools, programs and people. The journal is the run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stretto.agents.agent import Agent as Agent
    from stretto.agents.checks import at_least as at_least
    from stretto.agents.compaction import Compaction as Compaction
    from stretto.agents.handoffs import handoff as handoff
    from stretto.app.api import run as run
    from stretto.app.api import start as start
    from stretto.app.handle import Run as Run
    from stretto.app.host import App as App
    from stretto.app.streams import Part as Part
    from stretto.core.errors import ContextOverflow as ContextOverflow
    from stretto.core.errors import JournalError as JournalError
    from stretto.core.errors import LoopDetected as LoopDetected
    from stretto.core.errors import ModelError as ModelError
    from stretto.core.errors import NotDone as NotDone
    from stretto.core.errors import PolicyDenied as PolicyDenied
    from stretto.core.errors import ReplayMismatch as ReplayMismatch
    from stretto.core.errors import RunCancelled as RunCancelled
    from stretto.core.errors import RunFailed as RunFailed
    from stretto.core.errors import RunWaiting as RunWaiting
    from stretto.core.errors import Starved as Starved
    from stretto.core.errors import StepError as StepError
    from stretto.core.errors import StrettoError as StrettoError
    from stretto.core.errors import ToolError as ToolError
    from stretto.core.errors import UsageError as UsageError
    from stretto.core.errors import WorkerFailed as WorkerFailed
    from stretto.core.errors import WriteConflict as WriteConflict
    from stretto.core.media import File as File
    from stretto.core.media import Image as Image
    from stretto.core.values import Accepted as Accepted
    from stretto.core.values import Budget as Budget
    from stretto.core.values import Done as Done
    from stretto.core.values import Failed as Failed
    from stretto.core.values import Preview as Preview
    from stretto.core.values import Rejected as Rejected
    from stretto.core.values import Score as Score
    from stretto.orchestrator.conflicts import Conflict as Conflict
    from stretto.orchestrator.conflicts import Merged as Merged
    from stretto.orchestrator.conflicts import Resolved as Resolved
    from stretto.orchestrator.conflicts import Ruling as Ruling
    from stretto.orchestrator.orchestrator import Orchestrator as Orchestrator
    from stretto.orchestrator.plan import Brief as Brief
    from stretto.orchestrator.plan import Plan as Plan
    from stretto.orchestrator.plan import PlannedTask as PlannedTask
    from stretto.orchestrator.plan import Problem as Problem
    from stretto.orchestrator.plan import Verdict as Verdict
    from stretto.patterns.compete import compete as compete
    from stretto.patterns.debate import Consensus as Consensus
    from stretto.patterns.debate import Debated as Debated
    from stretto.patterns.debate import debate as debate
    from stretto.patterns.each import each as each
    from stretto.patterns.fallback import fallback as fallback
    from stretto.patterns.gate import gate as gate
    from stretto.patterns.group_chat import Chat as Chat
    from stretto.patterns.group_chat import group_chat as group_chat
    from stretto.patterns.loop import loop as loop
    from stretto.patterns.map_reduce import map_reduce as map_reduce
    from stretto.patterns.parallel import parallel as parallel
    from stretto.patterns.person import person as person
    from stretto.patterns.pipeline import pipeline as pipeline
    from stretto.patterns.route import route as route
    from stretto.policy.gate import Rules as Rules
    from stretto.runtime.branches import gather as gather
    from stretto.runtime.branches import race as race
    from stretto.runtime.branches import timeout as timeout
    from stretto.runtime.channels import Channel as Channel
    from stretto.runtime.channels import channel as channel
    from stretto.runtime.checkins import check_in as check_in
    from stretto.runtime.functions import ask as ask
    from stretto.runtime.functions import listen as listen
    from stretto.runtime.functions import now as now
    from stretto.runtime.functions import random as random
    from stretto.runtime.functions import receive as receive
    from stretto.runtime.functions import review as review
    from stretto.runtime.functions import settings as settings
    from stretto.runtime.functions import sleep as sleep
    from stretto.runtime.functions import spent as spent
    from stretto.runtime.memories import Memory as Memory
    from stretto.runtime.memories import forget as forget
    from stretto.runtime.memories import recall as recall
    from stretto.runtime.memories import remember as remember
    from stretto.runtime.notebook import Recollection as Recollection
    from stretto.runtime.shared import Shared as Shared
    from stretto.runtime.shared import commit as commit
    from stretto.runtime.shared import last_wins as last_wins
    from stretto.runtime.shared import shared as shared
    from stretto.runtime.shared import snapshot as snapshot
    from stretto.runtime.workflow import workflow as workflow
    from stretto.telemetry.otel import OpenTelemetry as OpenTelemetry
    from stretto.telemetry.traces import traceparent as traceparent
    from stretto.tools.files import file_diff as file_diff
    from stretto.tools.files import write_file as write_file
    from stretto.tools.program import program as program
    from stretto.tools.signature import injected as injected
    from stretto.tools.tool import Tool as Tool
    from stretto.tools.tool import tool as tool

_HOMES = {
    "agents.agent": "Agent",
    "agents.checks": "at_least",
    "agents.compaction": "Compaction",
    "agents.handoffs": "handoff",
    "app.api": "run start",
    "app.handle": "Run",
    "app.host": "App",
    "app.streams": "Part",
    "core.errors": "ContextOverflow JournalError LoopDetected ModelError NotDone PolicyDenied ReplayMismatch "
    "RunCancelled RunFailed RunWaiting Starved StepError StrettoError ToolError UsageError WorkerFailed WriteConflict",
    "core.media": "File Image",
    "core.values": "Accepted Budget Done Failed Preview Rejected Score",
    "orchestrator.conflicts": "Conflict Merged Resolved Ruling",
    "orchestrator.orchestrator": "Orchestrator",
    "orchestrator.plan": "Brief Plan PlannedTask Problem Verdict",
    "patterns.compete": "compete",
    "patterns.debate": "Consensus Debated debate",
    "patterns.each": "each",
    "patterns.fallback": "fallback",
    "patterns.gate": "gate",
    "patterns.group_chat": "Chat group_chat",
    "patterns.loop": "loop",
    "patterns.map_reduce": "map_reduce",
    "patterns.parallel": "parallel",
    "patterns.person": "person",
    "patterns.pipeline": "pipeline",
    "patterns.route": "route",
    "policy.gate": "Rules",
    "runtime.branches": "gather race timeout",
    "runtime.channels": "Channel channel",
    "runtime.checkins": "check_in",
    "runtime.functions": "ask listen now random receive review settings sleep spent",
    "runtime.memories": "Memory forget recall remember",
    "runtime.notebook": "Recollection",
    "runtime.shared": "Shared commit last_wins shared snapshot",
    "runtime.workflow": "workflow",
    "telemetry.otel": "OpenTelemetry",
    "telemetry.traces": "traceparent",
    "tools.signature": "injected",
    "tools.files": "file_diff write_file",
    "tools.program": "program",
    "tools.tool": "Tool tool",
}
_HOME = {name: f"stretto.{module}" for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME)  # noqa: PLE0605  the names are sorted once, here
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used: `import stretto` itself costs nothing."""
    if name not in _HOME:
        if not name.startswith("_") and (told := importlib.import_module("stretto.core.guesses").name_here(name)):
            raise ImportError(told)  # what `from stretto import NAME` would make of an AttributeError says nothing
        raise AttributeError(f"module 'stretto' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
