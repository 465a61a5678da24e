"""Reading YAML into nodes. Nothing in it makes an object: text, numbers, lists and mappings only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from stretto.app.flows.source import Node
from stretto.core.errors import UsageError

MOST = 20_000
"""Values in one file; aliases of aliases would otherwise fill the memory."""
_QUOTES = "texts that contain ': ' or ' #', or begin with { [ & * ! % @, need quotes"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's idea of plain words: `on`, `yes` and `2026-01-01` are text, `{type: text?}` is allowed."""

    _in_word = False

    def scan_plain(self) -> yaml.ScalarToken:
        """A plain word. PyYAML ends it at a question mark between braces, so that one is hidden from it."""
        self._in_word = True
        try:
            return super().scan_plain()
        finally:
            self._in_word = False

    def peek(self, index: int = 0) -> str:
        """The character ahead."""
        character: str = super().peek(index)
        return "x" if self._in_word and character == "?" else character


_WORDS = (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", tuple("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", tuple("-+0123456789")),
    ("float", r"[-+]?[0-9]*(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9][eE][-+]?[0-9]+)", tuple("-+.0123456789")),
    ("merge", r"<<", ("<",)),
)
_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern})$"), list(_first))


def read(path: Path) -> Node:
    """The file's one document."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise UsageError(
            f"the flow file {path} cannot be read: {error.strerror}; give the path of a YAML file"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: a flow file is UTF-8 text, and byte {error.start} is none; save it as UTF-8"
        ) from error
    try:
        loader = _Loader(text)
        raw = loader.get_single_node()
        if raw is None:
            raise UsageError(f"{path}: the file is empty; a flow file needs `flow:`, a list of stages")
        return _Reader(loader, str(path)).node(raw, "")
    except yaml.MarkedYAMLError as error:
        raise _syntax(path, error) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: it is not YAML: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: it is nested too deep; put inner parts into flow files of their own") from error


def _syntax(path: Path, error: yaml.MarkedYAMLError) -> UsageError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    return UsageError(f"{path}:{line}: it is not YAML: {error.problem or error.context}; {_QUOTES}")


class _Reader:
    """Makes nodes of what the YAML library composed."""

    def __init__(self, loader: _Loader, file: str) -> None:
        self._loader, self._file = loader, file
        self._count = 0
        self._within: list[int] = []

    def node(self, raw: yaml.Node, path: str) -> Node:
        """The value that stands at `path`."""
        here = Node(None, self._file, raw.start_mark.line + 1, path)
        self._count += 1
        if self._count > MOST:
            raise here.wrong(f"the file has more than {MOST} values, aliases written out; split it")
        if id(raw) in self._within:
            raise here.wrong("an alias stands inside its own anchor; write the value out")
        self._within.append(id(raw))
        value = self._value(raw, here)
        self._within.pop()
        return Node(value, here.file, here.line, here.path)

    def _value(self, raw: yaml.Node, here: Node) -> Any:
        if isinstance(raw, yaml.MappingNode) and raw.tag == "tag:yaml.org,2002:map":
            return self._mapping(raw, here)
        if isinstance(raw, yaml.SequenceNode) and raw.tag == "tag:yaml.org,2002:seq":
            return [self.node(item, f"{here.path}[{index}]") for index, item in enumerate(raw.value)]
        value = self._loader.construct_object(raw) if isinstance(raw, yaml.ScalarNode) else raw
        if not isinstance(value, str | int | float | bool | None):
            raise here.wrong(f"the tag {raw.tag!r} is not known here; write text, numbers, lists and mappings")
        return value

    def _mapping(self, raw: yaml.MappingNode, here: Node) -> dict[str, Node]:
        lines: dict[str, int] = {}
        for key, _ in raw.value:
            if not isinstance(key, yaml.ScalarNode):
                raise here.wrong(f"a key must be a word; {_QUOTES}")
            if key.value in lines and key.tag != "tag:yaml.org,2002:merge":
                twice = Node(None, here.file, key.start_mark.line + 1, here.path)
                raise twice.wrong(f"{key.value!r} stands twice, first in line {lines[key.value]}; names must differ")
            lines[key.value] = key.start_mark.line + 1
        self._loader.flatten_mapping(raw)
        entries: dict[str, Node] = {}
        for key, value in raw.value:
            node = self.node(value, f"{here.path}.{key.value}".removeprefix("."))
            entries[key.value] = Node(node.value, node.file, key.start_mark.line + 1, node.path)
        return entries
