"""The house rules as data, and the reading of source files that they need."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tocsin"

PURE = ("ingest", "cube", "detect", "scan", "estimate", "alert", "text", "ledger", "sim")
LEVELS = {  # folder or file of src/tocsin → its level; a module may import lower levels and its own folder
    **dict.fromkeys(("types", "errors"), 0),
    **dict.fromkeys(("calendar", "outlines", "areas", "config"), 1),
    **dict.fromkeys(PURE, 2),
    **dict.fromkeys(("store", "feed", "notify", "plot"), 3),
    **dict.fromkeys(
        ("ears", "held", "feeds", "desk", "quality", "outlook", "judge", "ahead", "locate", "loop", "views"), 4
    ),
    "server": 5,
    **dict.fromkeys(("cli", "__main__"), 6),
    "__init__": 0,
}
SAME_LEVEL = {  # the only imports within a level, from → to
    "areas": {"outlines"},
    "config": {"calendar"},
    "ears": set(),
    "held": set(),
    "feeds": {"ears"},
    "desk": {"ears", "feeds", "held"},
    "quality": {"feeds", "desk"},
    "outlook": {"desk"},
    "judge": {"desk", "outlook"},
    "ahead": {"desk", "judge"},
    "locate": {"desk", "judge", "outlook"},
    "loop": {"desk", "feeds", "judge", "locate", "quality"},
    "views": {"desk", "feeds", "judge", "locate", "outlook", "quality"},
    "__main__": {"cli"},
}
# The world is not for pure code: databases, sockets, the system, clocks, chance that is not passed in.
FORBIDDEN_IN_PURE = {
    "sqlite3", "socket", "ssl", "http", "urllib", "asyncio", "threading", "subprocess", "os", "pathlib", "shutil",
    "tempfile", "time", "random", "secrets", "starlette", "uvicorn", "click", "rich",
}  # fmt: skip
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
          ("time", "time_ns"), ("time", "monotonic")}  # fmt: skip
MAY_READ_CLOCKS = ("server", "cli", "__main__")
FILE_LINES, FUNCTION_LINES = 400, 60


def modules(root: Path = SOURCE) -> Iterator[tuple[str, Path, ast.Module]]:
    """(top folder or file name, path, syntax tree) of every module."""
    for path in sorted(root.rglob("*.py")):
        top = path.relative_to(root).parts[0].removesuffix(".py")
        yield top, path, ast.parse(path.read_text("utf-8"), str(path))


def imports(tree: ast.Module) -> Iterator[str]:
    """Full names of what a module imports, wherever in it, relative imports excepted (there are none)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import at line {node.lineno}"
            yield from (f"{node.module}.{a.name}" for a in node.names)


def layer_problems(top: str, path: Path, tree: ast.Module) -> Iterator[str]:
    """Imports that go up, sideways, or out into the world from pure code."""
    if top not in LEVELS:
        yield f"{path.name}: {top} has no level; give it one in tests/tidy/rules.py and ARCHITECTURE.md"
        return
    for name in imports(tree):
        parts = name.split(".")
        if parts[0] != "tocsin":
            outside = parts[0] in FORBIDDEN_IN_PURE
            if top in PURE and outside:
                yield f"{path}: pure code imports {parts[0]}"
            continue
        other = parts[1] if len(parts) > 1 else "__init__"
        other = other if other in LEVELS else "__init__"
        if other == top or other == "__init__":
            continue
        if LEVELS[other] > LEVELS[top]:
            yield f"{path}: level {LEVELS[top]} imports {other} of level {LEVELS[other]}"
        if LEVELS[other] == LEVELS[top] and LEVELS[top] not in (0, 6) and other not in SAME_LEVEL.get(top, set()):
            yield f"{path}: {top} imports {other} of its own level"


def clock_problems(top: str, path: Path, tree: ast.Module) -> Iterator[str]:
    """Clocks outside the places that may read them."""
    if top in MAY_READ_CLOCKS:
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in CLOCKS
        ):
            yield f"{path}:{node.lineno}: reads a clock; take `now` as an argument"


def sql_problems(top: str, path: Path, tree: ast.Module) -> Iterator[str]:
    """SQL outside the store."""
    for node in ast.walk(tree):
        if top != "store" and isinstance(node, ast.Attribute) and node.attr in ("execute", "executemany"):
            yield f"{path}:{node.lineno}: speaks SQL; put the question into store/"


def size_problems(path: Path, tree: ast.Module) -> Iterator[str]:
    """Files and functions that are too long to be one thing."""
    lines = len(path.read_text("utf-8").splitlines())
    if lines > FILE_LINES:
        yield f"{path}: {lines} lines, at most {FILE_LINES}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"


def docstring_problems(path: Path, tree: ast.Module) -> Iterator[str]:
    """Every module says in its first lines what it is, and whether it is pure."""
    text = ast.get_docstring(tree) or ""
    if path.name == "__init__.py" and path.parent == SOURCE:
        return
    first = text.split("\n\n")[0].replace("\n", " ")
    if not first.endswith(("Pure.", "I/O.")):
        yield f"{path}: the docstring's first paragraph must end with Pure. or I/O."
