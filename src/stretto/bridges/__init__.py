"""Workers from elsewhere: agents of other frameworks, and of other organisations. Each is imported when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stretto.core.errors import UsageError

if TYPE_CHECKING:
    from stretto.bridges.graphs import langgraph as langgraph
    from stretto.bridges.langchain import chat_model as chat_model
    from stretto.bridges.langchain import langchain_tool as langchain_tool
    from stretto.bridges.peers import a2a as a2a
    from stretto.bridges.sdk import openai_agents as openai_agents

_HOMES = {
    "a2a": ("peers", "stretto"),
    "chat_model": ("langchain", "langchain-core"),
    "langchain_tool": ("langchain", "langchain-core"),
    "langgraph": ("graphs", "langgraph"),
    "openai_agents": ("sdk", "openai-agents"),
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  the names are sorted once, here


def __getattr__(name: str) -> Any:
    """A bridge, whose framework is imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'stretto.bridges' has no attribute {name!r}")
    module, package = _HOMES[name]
    try:
        value = getattr(importlib.import_module(f"stretto.bridges.{module}"), name)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{name} needs {error.name}, which is not installed; install it: pip install {package}"
        ) from error
    globals()[name] = value
    return value
