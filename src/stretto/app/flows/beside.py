"""What stands beside a flow file and is named by it: Python, scripts of models, texts. Nothing outside its folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from stretto.agents.agent import Brain
from stretto.app.code import load_file
from stretto.app.flows.source import Node
from stretto.app.settings import Environment
from stretto.core.errors import UsageError
from stretto.core.messages import ModelRequest
from stretto.core.ports import Model
from stretto.models.script import Answer, Fail, Step, read_script
from stretto.models.scripted import ScriptedModel
from stretto.models.vendors import VENDORS

_REFERENCE = re.compile(r"(?P<file>[^\s:{}][^:{}]*\.py):(?P<name>[A-Za-z_][\w.]*)")


def is_reference(text: str) -> bool:
    """Whether a text names something in a Python file."""
    return _REFERENCE.fullmatch(text) is not None


@dataclass(frozen=True)
class Beside:
    """The folder of a flow file."""

    folder: Path

    def path(self, node: Node, name: str) -> Path:
        """The file of that name, which stands in the folder or below it."""
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise node.wrong(f"{name} stands outside the folder of the flow file; copy it beside the file")
        if not path.is_file():
            near = sorted(file.name for file in path.parent.glob(f"*{path.suffix}")) if path.parent.is_dir() else []
            raise node.unknown(
                "file", name, near, f"beside the flow file there is {', '.join(near) or 'none of its kind'}"
            )
        return path

    def find(self, node: Node) -> object:
        """What `app.py:name` names."""
        found = _REFERENCE.fullmatch(node.text)
        if found is None:
            raise node.wrong(f"{node.text!r} names no Python; write app.py:name, with the file beside the flow file")
        thing: object = _imported(node, self.path(node, found["file"]))
        for name in found["name"].split("."):
            if not hasattr(thing, name):
                names = [name for name in vars(thing) if not name.startswith("_")] if hasattr(thing, "__dict__") else []
                raise node.unknown("name", name, names, f"{found['file']} does not define it")
            thing = getattr(thing, name)
        return thing

    def function(self, node: Node) -> Callable[..., object]:
        """The function that `app.py:name` names."""
        thing = self.find(node)
        if not callable(thing):
            raise node.wrong(f"{node.text} is a {type(thing).__name__}; it must be a function")
        return thing

    def brain(self, node: Node) -> Brain | list[Brain]:
        """A model by name or reference, or several."""
        if isinstance(node.value, list):
            return [self._brain(item) for item in node.items]
        return self._brain(node)

    def _brain(self, node: Node) -> Brain:
        if is_reference(node.text):
            thing = self.find(node)
            if not hasattr(thing, "reply"):
                raise node.wrong(
                    f"{node.text} is a {type(thing).__name__}; it must be a model, such as a ScriptedModel"
                )
            return cast(Model, thing)
        provider, separator, name = node.text.partition(":")
        if provider == "test" and separator:
            return _script(node, self.path(node, name)) if name else node.text
        if node.text in Environment.here().models:
            return node.text
        known = [*VENDORS, "test", "replay"]
        if not separator:
            there = f"it is called PROVIDER:MODEL, the providers are {', '.join(known)}"
            raise node.unknown("model", node.text, (), there)
        if provider not in known:
            raise node.unknown("model provider", provider, known)
        if not name:
            raise node.wrong(f"{node.text!r} names no model; write {provider}:MODEL, such as the provider lists it")
        return node.text


def _imported(node: Node, path: Path) -> object:
    try:
        return load_file(path)
    except Exception as error:  # somebody else's code may raise anything
        where = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise node.wrong(
            f"{path.name} cannot be imported: {type(error).__name__}{where}: {error}; `python {path.name}` shows where"
        ) from error


# ---- scripts


def _script(node: Node, path: Path) -> Model:
    """The model that follows a script, by its name in the file, so that a run can move with its folder."""
    try:
        steps = read_script(path)
    except UsageError as error:
        raise node.wrong(str(error)) from error
    return ScriptedModel(_Turns(node.text, steps).next, name=node.text)


@dataclass
class _Turns:
    """A script that each conversation follows from its beginning, in whichever process it is continued."""

    name: str
    steps: list[Step]
    failed: Counter[str] = field(default_factory=Counter)

    def next(self, request: ModelRequest) -> Step:
        """The step after the answers that the conversation holds; a failure before it comes once."""
        answers = [place for place, step in enumerate(self.steps) if isinstance(step, Answer)]
        said = min(sum(message.role == "assistant" for message in request.messages), len(answers))
        left = self.steps[answers[said - 1] + 1 if said else 0 :]
        if not left:
            raise UsageError(
                f"the script of {self.name} has {len(answers)} answers, and a conversation wants more; add some"
            )
        step = left[min(self.failed[request.conversation.head], len(left) - 1)]
        if isinstance(step, Fail):
            self.failed[request.conversation.head] += 1
        return step
