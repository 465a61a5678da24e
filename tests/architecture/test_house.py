"""The rules of the house that neither import-linter, ruff nor mypy can hold; see CONTRIBUTING.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Set
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SRC = TESTS.parent / "src" / "stretto"
SOURCES = {path.relative_to(SRC).as_posix(): path for path in sorted(SRC.rglob("*.py"))}
FILES = {file: ast.parse(path.read_text(encoding="utf-8"), str(path)) for file, path in SOURCES.items()}

# file -> what it imports inside functions; `*` is an import whose name is computed. A line that nothing needs must go.
HIDDEN_IMPORTS: dict[str, set[str]] = {
    "__init__.py": {"*", "stretto.core.guesses"},  # the public names, each when it is first used; what others call them
    "app/code.py": {"*"},  # the user's own module, by its name
    "app/targets.py": {"*", "stretto.app.flows"},  # likewise; a YAML reader is for flows only
    "bridges/__init__.py": {"*"},  # frameworks that need not be installed
    "cli/carry.py": {"stretto.cli.live", "stretto.cli.question"},  # what draws is for terminals only
    "cli/main.py": {"*"},  # the command that is called
    "models/prices.py": {"genai_prices.data_snapshot"},  # half a second, for whoever names a real model
    "models/provider.py": {"*", "stretto.models.wire.client"},  # the providers' own libraries
    "models/wire/client.py": {"*"},
    "runtime/tasks.py": {"stretto.runtime.alone"},  # a call outside a run stands on the engine, which stands on calls
    "telemetry/otel.py": {"stretto.telemetry.sdk"},  # an extra
    "tools/process.py": {"*"},  # in the child: the module that holds the tool
}

# `file:name` of public signatures that hold a bare Any: values of users' own types, and JSON. The list may only shrink.
BARE_ANY = set((Path(__file__).parent / "bare_any.txt").read_text().split())

# Files past 400 lines, each one thing that would not be clearer in two: a cutter, a list of checks.
LONG = {"memory/passages/prose.py", "testing/journal_conformance.py"}

# Modules that import frameworks which do something when they are imported; none is imported before it is asked for.
BUSY = {"stretto.bridges.graphs", "stretto.bridges.langchain", "stretto.bridges.sdk"}

# A package that only these floors may import: what is heavy or replaceable stays behind its port.
ONLY_IN = {
    "click": {"cli"},
    "rich": {"cli", "telemetry"},
    "pydantic_ai": {"models"},
    "openai": {"models"},
    "opentelemetry": {"telemetry"},
    "anthropic": {"models"},
    "sqlite3": {"journal", "memory", "tools"},
}


def uses(tree: ast.AST, *names: str) -> Iterator[ast.expr]:
    """Uses of these names: `eval`, `os.environ`, or `.create_task` for that attribute of anything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            yield node
        if isinstance(node, ast.Attribute) and {ast.unparse(node), f".{node.attr}"} & set(names):
            yield node


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Modules that a tree imports, by statement or by `import_module`; `*` for a computed name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"import_module", "__import__"}:
            first = node.args[0] if node.args else None
            yield (str(first.value) if isinstance(first, ast.Constant) else "*"), node


def floor(file: str) -> str:
    """The package a file belongs to."""
    return file.split("/")[0]


def places(found: Callable[[ast.AST], Iterator[ast.AST]], *, but: Set[str] = frozenset()) -> list[str]:
    """`file:line` of everything found outside the packages named in `but`."""
    trees = ((file, tree) for file, tree in FILES.items() if floor(file) not in but)
    return [f"{file}:{getattr(node, 'lineno', 0)}" for file, tree in trees for node in found(tree)]


def imported_from(tree: ast.AST, module: str, *names: str) -> Iterator[ast.AST]:
    """`from module import name` for any of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == module and {a.name for a in node.names} & set(names):
            yield node


def test_only_app_and_cli_read_the_environment() -> None:
    def reads(tree: ast.AST) -> Iterator[ast.AST]:
        yield from uses(tree, "os.environ", "os.getenv", "os.environb")
        yield from imported_from(tree, "os", "environ", "getenv", "environb")

    assert places(reads, but={"app", "cli"}) == []


def test_nothing_evaluates_code_or_revives_objects() -> None:
    forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}

    def evaluates(tree: ast.AST) -> Iterator[ast.AST]:
        yield from uses(tree, "eval", "exec", "builtins.eval", "builtins.exec")
        yield from (node for name, node in imports(tree) if name.split(".")[0] in forbidden)

    assert places(evaluates) == []


def test_tasks_are_made_in_the_runtime_only() -> None:
    names = "create_task", "ensure_future", "gather", "Queue"

    def starts(tree: ast.AST) -> Iterator[ast.AST]:
        yield from uses(tree, ".create_task", ".ensure_future", "asyncio.gather", "asyncio.Queue", "asyncio.wait")
        yield from imported_from(tree, "asyncio", *names)

    # An App's runs, and its watch over parked ones, live as long as the App, which cancels and awaits them all. The
    # connections of a model that nobody holds any more are closed apart from any run.
    apart = "app/host.py", "models/provider.py"
    assert [place for place in places(starts, but={"runtime", "testing"}) if not place.startswith(apart)] == []


def test_hidden_imports_are_the_listed_ones() -> None:
    found = {
        f"{file}: {name}"
        for file, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for name, _ in imports(node)
    }
    listed = {f"{file}: {name}" for file, names in HIDDEN_IMPORTS.items() for name in names}
    assert sorted(found - listed) == [], "import it at the top, or list it"
    assert sorted(listed - found) == [], "listed, but gone"


def test_core_imports_the_standard_library_and_the_encoder_only() -> None:
    allowed = sys.stdlib_module_names | {"orjson", "stretto"}

    def foreign(tree: ast.AST) -> Iterator[ast.AST]:
        return (node for name, node in imports(tree) if name.split(".")[0] not in allowed)

    assert places(foreign, but={*map(floor, FILES)} - {"core"}) == []


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_is_imported_only_where_it_belongs(package: str) -> None:
    def asks(tree: ast.AST) -> Iterator[ast.AST]:
        return (node for name, node in imports(tree) if name.split(".")[0] == package)

    assert places(asks, but=ONLY_IN[package] | {"testing"}) == []


def test_files_and_functions_stay_small() -> None:
    counts = {file: (SRC / file).read_bytes().count(b"\n") for file in FILES}
    long = [f"{file}: {count} lines" for file, count in counts.items() if count > (450 if file in LONG else 400)]
    for file, tree in FILES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 60:
                    long.append(f"{file}:{node.lineno} {node.name}: {length} lines")
    assert long == []


def test_no_public_signature_says_a_bare_any() -> None:
    """`Mapping[str, Any]` or `Worker[Any, Any]` leave a place open; a bare `Any` switches the checker off."""
    found = {f"{file}:{name}" for file, tree in FILES.items() for name in bare_any(tree.body) if "/_" not in f"/{file}"}
    assert sorted(found - BARE_ANY) == [], "say object, Json or a type variable, or list it"
    assert sorted(BARE_ANY - found) == [], "listed, but gone"


def bare_any(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    """Names of public functions, methods and fields with an annotation that is, or may be, just Any."""
    for node in body:
        if isinstance(node, ast.ClassDef) and is_public(node.name):
            yield from bare_any(node.body, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(node.name):
            arguments = node.args
            listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            annotations = [node.returns, *(argument.annotation for argument in listed if argument)]
            if any(map(says_any, annotations)):
                yield within + node.name
        elif isinstance(node, ast.AnnAssign) and is_public(ast.unparse(node.target)) and says_any(node.annotation):
            yield within + ast.unparse(node.target)


def is_public(name: str) -> bool:
    """Whether users see a name."""
    return not name.startswith("_") or name in {"__init__", "__call__"}


def says_any(annotation: ast.expr | None) -> bool:
    """Whether an annotation is Any, or a union with it."""
    if isinstance(annotation, ast.BinOp):
        return says_any(annotation.left) or says_any(annotation.right)
    return annotation is not None and ast.unparse(annotation).removeprefix("typing.") == "Any"


def test_no_test_mocks() -> None:
    mocking = [
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        for name, _ in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.startswith(("unittest.mock", "pytest_mock"))
    ]
    assert mocking == []


WATCH = """
import importlib, os, sys

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
EVENTS = ("socket.", "subprocess.", "os.system", "os.fork", "os.mkdir", "os.remove", "os.rename", "sqlite3.connect",
          "_thread.start_new_thread", "signal.")
done = []

def watch(event, args):
    if event == "open" and isinstance(args[2], int) and args[2] & WRITES or event.startswith(EVENTS):
        done.append(f"{event}{args}")

sys.addaudithook(watch)
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:  # an optional driver whose extra is not installed
        if (error.name or "").startswith("stretto"):
            raise
    assert not done, f"import {name}: {done}"
"""


def in_a_fresh_process(program: str, *arguments: str) -> str:
    """Output of a program run by an interpreter that has imported nothing yet."""
    command = [sys.executable, "-B", "-W", "error", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_does_nothing() -> None:
    names = sorted(file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in FILES)
    modules = [f"stretto.{name}".removesuffix(".__init__") for name in names if name != "__main__"]
    in_a_fresh_process(WATCH, *(module for module in modules if module not in BUSY))


def test_the_front_door_is_light() -> None:
    heavy = {"anthropic", "click", "httpx2", "openai", "pydantic_ai", "rich", "yaml"}
    loaded = in_a_fresh_process("import sys, stretto; print(*{name.split('.')[0] for name in sys.modules})")
    assert heavy & set(loaded.split()) == set()


def test_names_say_the_thing() -> None:
    vague = re.compile(r"Base[A-Z]|.*(Manager|Handler|Helper|Utils?)$")

    def says_nothing(tree: ast.AST) -> Iterator[ast.AST]:
        return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and vague.match(node.name))

    assert places(says_nothing) == []
