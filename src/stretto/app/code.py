"""From a worker to a text that names it, and back: `module:name`, `path/to/file.py:name`, or a template's or flow's file.

The journal keeps such a text so that another process can find the code. It is the user's own command or program that
put it there; nothing that came over a network or out of a model is ever looked up.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from stretto.core.errors import UsageError
from stretto.runtime.worker import Worker


def reference(worker: Any, names: dict[str, Any]) -> str:
    """How another process finds a worker that a module's globals hold; empty where they do not."""
    name = next((name for name, value in names.items() if value is worker), "")
    if not name:
        return ""
    module = names.get("__name__", "")
    file = names.get("__file__")
    if module == "__main__" or module.startswith(_LOADED):
        return f"{Path(file).resolve()}:{name}" if file else ""
    return f"{module}:{name}"


def find(target: str) -> Any:
    """The object that a reference names: a worker, an app, or whatever else stands there."""
    where, _, name = target.rpartition(":")
    if not where or not name:
        raise UsageError(
            f"target {target!r} names no code; write path/to/file.py:worker, package.module:worker, a flow.yaml "
            "or a template's name"
        )
    module = load_file(Path(where)) if where.endswith(".py") else _import(where, target)
    thing = module
    for part in name.split("."):
        if not hasattr(thing, part):
            raise UsageError(_missing(module, where, part))
        thing = getattr(thing, part)
    return thing


def load_file(path: Path) -> ModuleType:
    """A Python file as a module; its folder is importable, as it is for `python file.py`."""
    path = path.resolve()
    if not path.is_file():
        raise UsageError(f"there is no file {path}; give the path of a Python file that holds a worker")
    name = _LOADED + _short(path)
    if name in sys.modules:
        return sys.modules[name]
    main = sys.modules.get("__main__")
    if main is not None and getattr(main, "__file__", None) and Path(main.__file__ or "").resolve() == path:
        return main
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    if (path.parent / "__init__.py").is_file():
        package = _load(_LOADED + _short(path.parent), path.parent / "__init__.py", [str(path.parent)])
        return importlib.import_module(f"{package.__name__}.{path.stem}")
    return _load(name, path)


def _load(name: str, path: Path, folders: list[str] | None = None) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _short(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


_LOADED = "stretto_loaded_"


def _import(module: str, target: str) -> ModuleType:
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"target {target!r}: there is no module {error.name!r} here; start in the folder that holds it, or "
            "give the path of its file"
        ) from error


def _missing(module: ModuleType, where: str, name: str) -> str:
    workers = [key for key, value in vars(module).items() if isinstance(value, Worker)]
    near = get_close_matches(name, workers, 1)
    known = f"its workers are {', '.join(workers)}" if workers else "it holds no worker"
    return f"{where} has no {name!r}; {known}" + (f"; did you mean {near[0]!r}?" if near else "")
