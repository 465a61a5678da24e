"""The agents, tools and workers that a flow file names, made when they are first asked for."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from stretto.agents.agent import Agent
from stretto.app.flows.beside import Beside, is_reference
from stretto.app.flows.kinds import kind
from stretto.app.flows.shape import AGENT, STAGES, TOOL
from stretto.app.flows.source import Node, Shape, checked, read
from stretto.app.flows.stage import AnyWorker
from stretto.core.values import Budget
from stretto.core.values import seconds as in_seconds
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker, workflow
from stretto.tools.tool import Tool, tool

AnyTool = Tool[..., Any]
Part = AnyWorker | AnyTool
_NAME = re.compile(r"[A-Za-z_][\w-]{0,63}", re.ASCII)
_GROUPS = ("agents", "tools", "workers")
_TO_MODEL = ("temperature", "top_p", "max_tokens", "seed")


class Parts:
    """What a file's names stand for."""

    def __init__(self, file: Mapping[str, Node], beside: Beside, load: Callable[[Node, Path], AnyWorker]) -> None:
        self.beside, self._load = beside, load
        self.model = beside.brain(file["model"]) if "model" in file else None
        """The model of agents that name none; None is the run's."""
        self.readers: Mapping[str, Callable[[Node], Any]] = {
            "model": beside.brain,
            "type": lambda node: kind(node, "_".join(node.path.split(".")[-2:]), beside),
            "budget": lambda node: checked(node, Budget.parse),
            "duration": lambda node: checked(node, in_seconds),
            "worker": self.worker,
            "tool": self.tool,
            "receiver": self._receiver,
            "check": self._check,
            "instructions": self._instructions,
            "file": self._text_of,
        }
        self._made: dict[str, Part] = {}
        self._making: list[str] = []
        self._homes: dict[str, tuple[str, Node]] = {}
        for group in _GROUPS:
            for name, node in file[group].entries.items() if group in file else ():
                self._declare(group, name, node)

    def _declare(self, group: str, name: str, node: Node) -> None:
        if not _NAME.fullmatch(name):
            raise node.wrong(f"{name!r} is no name; use letters, digits, _ and -, at most 64, and begin with a letter")
        if name in STAGES:
            raise node.wrong(f"{name!r} is a kind of stage; give this one of {group} another name")
        if name in self._homes:
            first, other = self._homes[name]
            raise node.wrong(f"{name!r} names one of {first} as well, in line {other.line}; names must differ")
        self._homes[name] = (group, node)

    def all(self) -> list[Part]:
        """Every part that the file declares."""
        return [self._part(name) for name in self._homes]

    def worker(self, node: Node) -> AnyWorker:
        """The worker that a node names, or refers to in Python."""
        if is_reference(node.text):
            return self._python_worker(node, None)
        part = self._part(self._known(node, "worker", rule="the workers of this file are "))
        if isinstance(part, Tool):
            raise node.wrong(f"{node.text!r} is a tool, and stands here as a worker; write `tool: {node.text}`")
        return part

    def tool(self, node: Node) -> Part:
        """The tool, or the worker used as one, that a node names or refers to in Python."""
        if is_reference(node.text):
            return self._python_tool(node, None)
        return self._part(self._known(node, "tool", rule="the tools, workers and agents of this file are "))

    def names(self, *groups: str) -> list[str]:
        """The names in these groups; all where none is given."""
        return [name for name, (group, _) in self._homes.items() if not groups or group in groups]

    def _known(self, node: Node, what: str, rule: str) -> str:
        if node.text not in self._homes:
            names = self.names() if what == "tool" else self.names("agents", "workers")
            raise node.unknown(
                what, node.text, names, f"{rule}{', '.join(names) or 'none'}; name one of them, or app.py:name"
            )
        return node.text

    def _part(self, name: str) -> Part:
        if name in self._made:
            return self._made[name]
        group, node = self._homes[name]
        if name in self._making:
            raise node.wrong(
                f"{' -> '.join([*self._making[self._making.index(name) :], name])} goes in a circle; "
                "an agent cannot have itself among its tools"
            )
        self._making.append(name)
        make = {"agents": self._agent, "tools": self._tool, "workers": self._worker}[group]
        self._made[name] = made = make(name, node)
        self._making.pop()
        return made

    # ---- tools and workers

    def _tool(self, name: str, node: Node) -> Part:
        if isinstance(node.value, str):
            return self._python_tool(node, name)
        given = node.fields("a tool", TOOL)
        made = self._python_tool(given["use"], name)
        changes = self._said(given, TOOL)
        changes.pop("use")
        if isinstance(made, Worker):
            if changes:
                raise node.wrong(f"{given['use'].text} is a worker; a worker takes none of {', '.join(changes)} here")
            return made
        if changes.get("risk", "low") != "low" and made.risk == "low" and made.effect == "read":
            changes.setdefault("effect", "once")
        return made.using(**changes)

    def _python_tool(self, node: Node, name: str | None) -> Part:
        thing = self.beside.find(node)
        if isinstance(thing, Worker):
            return _named(node, thing, name)
        if not isinstance(thing, Tool) and not inspect.isroutine(thing):
            raise node.wrong(f"{node.text} is a {type(thing).__name__}; a tool is a function, a @tool or a worker")
        made: AnyTool = thing if isinstance(thing, Tool) else tool(thing)
        made = made.using(name=name or made.name)
        checked(node, lambda _: made.spec)
        return made

    def _worker(self, name: str, node: Node) -> AnyWorker:
        if Path(node.text).suffix in (".yaml", ".yml"):
            return _named(node, self._load(node, self.beside.path(node, node.text)), name)
        return self._python_worker(node, name)

    def _python_worker(self, node: Node, name: str | None) -> AnyWorker:
        thing = self.beside.find(node)
        if isinstance(thing, Tool):
            raise node.wrong(f"{node.text} is a tool, and stands here as a worker; put it under `tools`")
        if inspect.isroutine(thing):
            made: AnyWorker = workflow(name=name)(thing)
            checked(node, lambda _: (made.takes.schema, made.gives.schema))
            return made
        return _named(node, checked(node, lambda _: as_worker(thing)), name)

    # ---- agents

    def _agent(self, name: str, node: Node) -> AnyWorker:
        given = node.fields("an agent", AGENT)
        if "instructions" in given and "instructions_file" in given:
            raise node.wrong("it has instructions and instructions_file; keep one of them")
        said = {"model": self.model, **self._said(given, AGENT)}
        instructions = said.pop("instructions_file", "") or said.pop("instructions", "")
        settings = {key: said.pop(key) for key in _TO_MODEL if key in said} | said.pop("settings", {})
        for tool_name, times in Counter(one.name for one in said.get("tools", ())).items():
            if times > 1:
                raise given["tools"].wrong(f"two tools of this agent are named {tool_name!r}; keep one of them")
        return checked(node, lambda _: Agent(name=name, instructions=instructions, settings=settings, **said))

    def _said(self, given: Mapping[str, Node], shape: Shape) -> dict[str, Any]:
        return {key: read(item, shape["properties"][key], self.readers) for key, item in given.items()}

    def _receiver(self, node: Node) -> Any:
        """An agent that a conversation may go to; by its name where it is the one that hands over to this one."""
        if node.text in self._making:
            return node.text
        found = self.worker(node)
        if not isinstance(found, Agent):
            raise node.wrong(f"{node.text!r} is no agent; only an agent goes on with a conversation")
        return found

    def _check(self, node: Node) -> Any:
        """A worker of the file, or what stands in Python: a function, a worker, or at_least(...)."""
        return self.beside.find(node) if is_reference(node.text) else self.worker(node)

    def _instructions(self, node: Node) -> Any:
        return self.beside.function(node) if is_reference(node.text) else node.text

    def _text_of(self, node: Node) -> str:
        path = self.beside.path(node, node.text)
        return checked(node, lambda _: path.read_text(encoding="utf-8"))


def _named(node: Node, worker: AnyWorker, name: str | None) -> AnyWorker:
    """The worker under the file's name for it: what journal, plan and people call it."""
    if name is None or worker.name == name:
        return worker
    if is_dataclass(worker) and "name" in {field.name for field in fields(worker)}:
        return replace(worker, name=name)
    raise node.wrong(f"{node.text} is called {worker.name!r} and cannot be renamed; list it under that name")
