"""A tool's function in a process of its own, which can be killed: `@tool(process=True)`.

The child gets the function's place and its arguments as JSON on stdin, and gives back the result, or the error, as one
line of JSON. What the function prints goes to stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from stretto.core.canonical import decode, encode
from stretto.core.errors import NotDone, StepError, ToolError, UsageError
from stretto.core.scope import trace

_RAISED = {"ToolError": ToolError, "NotDone": NotDone}


async def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call the function in a child process; the child and all that it started die with the caller's patience."""
    order = encode(
        {**_place(function), "arguments": dict(arguments), "path": list(map(str, sys.path)), "trace": trace.get()}
        | {"caller": os.getpid()}
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stretto.tools.process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        answer, _ = await child.communicate(order)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    if not answer:
        raise StepError(
            f"{function.__name__} died in its process (exit {child.returncode}) and left no result", "ChildDied"
        )
    told = decode(answer)
    if "error" in told:
        raise _RAISED.get(told["type"], StepError)(told["error"])
    return told["result"]


def _place(function: Callable[..., Any]) -> dict[str, str]:
    name = function.__qualname__
    if "<locals>" in name:
        raise UsageError(
            f"{name} stands inside a function, where another process cannot find it; move it to the top of its module"
        )
    file = inspect.getsourcefile(function)
    module = function.__module__
    if module != "__main__" and _can_be_found(module.partition(".")[0]):
        return {"module": module, "name": name}
    if file is None:
        raise UsageError(f"{name} has no source file, so another process cannot find it; put it into a module")
    return {"file": str(Path(file).resolve()), "name": name}


def _can_be_found(module: str) -> bool:
    """Whether another process can import it by its name: one that was loaded from a file under any name cannot."""
    return any(finder.find_spec(module, None) is not None for finder in sys.meta_path)


def main() -> None:
    """The child: do one order."""
    order = decode(sys.stdin.buffer.read())
    threading.Thread(target=_die_with, args=(order["caller"],), daemon=True).start()
    sys.path[:] = order["path"]
    trace.set(order["trace"])
    answer, sys.stdout = sys.stdout, sys.stderr
    try:
        thing: Any = _module(order)
        for part in order["name"].split("."):
            thing = getattr(thing, part)
        result = getattr(thing, "function", thing)(**order["arguments"])
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
        told = {"result": result}
    except Exception as error:  # noqa: BLE001  the boundary of the process: every error is told
        told = {"error": str(error) or type(error).__name__, "type": type(error).__name__}
    answer.buffer.write(encode(told))
    answer.flush()


def _die_with(caller: int) -> None:
    """End this process and all that it started once its caller was killed: whoever goes on with the run may call again."""
    while os.getppid() == caller:
        time.sleep(0.1)
    os.killpg(os.getpgid(0), signal.SIGKILL)


async def _awaited(work: Any) -> Any:
    return await work


def _module(order: Mapping[str, Any]) -> ModuleType:
    if "module" in order:
        return importlib.import_module(order["module"])
    path = Path(order["file"])
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
