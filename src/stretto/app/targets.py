"""What `stretto run TARGET` may name: a flow file, a Python file or module with a worker, a template.

A template is a folder whose `app.py` holds `worker`, or `make(goal, *, docs, out)`, which gives a worker and its input.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import stretto
from stretto.app.code import find, load_file
from stretto.core.errors import StrettoError, UsageError
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import as_worker

T = TypeVar("T")
Made = tuple[Worker[Any, Any], Any]
_FLOWS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be run. `code` names it to another process, `around` is the code that it stands in."""

    code: str
    around: Mapping[str, Any]
    _worker: Callable[[], Worker[Any, Any]]
    _make: Callable[..., Any] | None = None

    @property
    def worker(self) -> Worker[Any, Any]:
        """The worker."""
        return self._worker()

    @property
    def is_template(self) -> bool:
        """Whether it makes its worker and input from a goal and its options."""
        return self._make is not None

    @property
    def is_flow(self) -> bool:
        """Whether it is a flow file."""
        return self.code.endswith(_FLOWS)

    def given(self, goal: str | None, **options: str | None) -> Made:
        """The worker and what it is given for a goal; `options` are those of templates (`docs`, `out`)."""
        if self._make is None:
            said = [f"--{name}" for name, value in options.items() if value is not None]
            if said:
                raise UsageError(f"{' and '.join(said)} belong to templates; {self.code} takes a GOAL, or --input JSON")
            return self.worker, goal
        if goal is None:
            raise UsageError(f"{self.code} needs a GOAL: what to find out, in quotes")
        worker, value = self._make(goal, **options)
        return as_worker(worker), value


def resolve(text: str) -> Target:
    """What a target names; where it names nothing, the nearest names are offered."""
    path = Path(text)
    if path.suffix in _FLOWS:
        return _flow(path)
    if path.suffix == ".py":
        return _alone(path)
    folder = _template(text)
    if folder is not None:
        return _from_template(text, folder)
    if ":" in text:
        where, _, name = text.rpartition(":")
        code = f"{Path(where).resolve()}:{name}" if where.endswith(".py") else text
        thing = _loaded(where, lambda: find(text))
        return Target(code, _around(where), lambda: as_worker(thing))
    raise UsageError(_unknown(text))


def resolve_all(text: str) -> list[Target]:
    """What a target names; of a file without a name, all of its workers."""
    path = Path(text)
    if path.suffix != ".py":
        return [resolve(text)]
    module = _loaded(text, lambda: load_file(path))
    workers = {id(thing): name for name, thing in vars(module).items() if isinstance(thing, Worker)}
    return [resolve(f"{text}:{name}") for name in workers.values()] or [resolve(text)]


def find_worker(code: str) -> Worker[Any, Any]:
    """The worker that a run's `code` names."""
    return resolve(code).worker


# ---- flows and files


def _flow(path: Path) -> Target:
    flows = importlib.import_module("stretto.app.flows")  # a YAML reader is needed by flows only
    flow = _loaded(str(path), lambda: flows.load(path))
    return Target(str(path.resolve()), {}, lambda: as_worker(flow))


def _alone(path: Path) -> Target:
    """A file without a name: the only worker in it, or the one called `worker`."""
    module = _loaded(str(path), lambda: load_file(path))
    workers = [name for name, value in vars(module).items() if isinstance(value, Worker)]
    if "worker" not in workers and len(workers) != 1:
        known = f"its workers are {', '.join(workers)}" if workers else "it holds no worker"
        raise UsageError(f"say which worker of {path} is meant, as {path}:NAME; {known}")
    name = "worker" if "worker" in workers else workers[0]
    return Target(f"{path.resolve()}:{name}", vars(module), lambda: as_worker(getattr(module, name)))


def _around(where: str) -> Mapping[str, Any]:
    module = load_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    return vars(module)


# ---- templates


def templates() -> dict[str, Path]:
    """The templates that came with stretto, by name: from the wheel, or from the checkout that runs."""
    package = Path(stretto.__file__).parent
    folders = package / "_templates", package.parents[1] / "templates"
    home = next((folder for folder in folders if folder.is_dir()), None)
    return {app.parent.name: app.parent for app in sorted(home.glob("*/app.py"))} if home else {}


def _template(text: str) -> Path | None:
    if re.fullmatch(r"[a-z][a-z0-9_-]*", text) and text in (known := templates()):
        return known[text]
    folder = Path(text)
    return folder if (folder / "app.py").is_file() else None


def _from_template(text: str, folder: Path) -> Target:
    module = _loaded(text, lambda: _app_of(folder))
    code = text if text in templates() else str(folder.resolve())

    def worker() -> Worker[Any, Any]:
        if hasattr(module, "worker"):
            return as_worker(module.worker)
        return as_worker(module.make("", docs=None, out=None)[0])

    return Target(code, vars(module), worker, getattr(module, "make", None))


def _app_of(folder: Path) -> ModuleType:
    """The `app` module of a template's folder, which is a package of its own."""
    folder = folder.resolve()
    name = f"stretto_template_{re.sub(r'[^a-z0-9]', '_', str(folder).lower())}"
    if name not in sys.modules:
        first = folder / "__init__.py"
        spec = importlib.util.spec_from_file_location(name, first, submodule_search_locations=[str(folder)])
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        if first.is_file():
            spec.loader.exec_module(package)
    return importlib.import_module(f"{name}.app")


# ---- what is wrong


def _loaded(what: str, load: Callable[[], T]) -> T:
    try:
        return load()
    except StrettoError:
        raise
    except Exception as error:  # the boundary to the user's own code: whatever it raises while it loads
        raise UsageError(f"{what} cannot be loaded: {type(error).__name__}: {error}{_place(error)}") from error


def _place(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def _unknown(text: str) -> str:
    names = [*templates(), *_files(Path.cwd())]
    near = get_close_matches(text, names, 3, 0.5)
    there = f"did you mean {' or '.join(near)}?" if near else f"there {_are(names)}"
    return (
        f"target {text!r} is nothing that stretto can run: it takes a flow.yaml, path/to/file.py:worker, "
        f"package.module:worker, or a template's name; {there}"
    )


def _files(folder: Path) -> Iterable[str]:
    return (path.name for path in sorted(folder.iterdir()) if path.suffix in (*_FLOWS, ".py"))


def _are(names: list[str]) -> str:
    return f"{'is' if len(names) == 1 else 'are'} {', '.join(names[:8])}" if names else "is nothing of that kind here"
