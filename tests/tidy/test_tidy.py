"""The house keeps its own rules, and the rules are tested on planted violations."""

import ast
import importlib.util
import re
import subprocess
import tomllib

import pytest
from click import Group

from tidy.rules import (
    LEVELS,
    ROOT,
    clock_problems,
    docstring_problems,
    layer_problems,
    modules,
    size_problems,
    sql_problems,
)
from tocsin import cli
from tocsin.detect import DETECTORS

ALL = list(modules())


def test_layers():
    assert [p for top, path, tree in ALL for p in layer_problems(top, path, tree)] == []


def test_clocks():
    assert [p for top, path, tree in ALL for p in clock_problems(top, path, tree)] == []


def test_sql_is_in_the_store():
    assert [p for top, path, tree in ALL for p in sql_problems(top, path, tree)] == []


def test_sizes():
    assert [p for _, path, tree in ALL for p in size_problems(path, tree)] == []


def test_docstrings():
    assert [p for _, path, tree in ALL for p in docstring_problems(path, tree)] == []


PLANTED = {
    "pure code reaches for a database": ("detect", "import sqlite3", layer_problems),
    "pure code reaches for the system": ("cube", "def f():\n    import os", layer_problems),
    "pure code imports another stage": ("alert", "from tocsin.detect import ears", layer_problems),
    "the store imports the loop": ("store", "from tocsin import loop", layer_problems),
    "the loop imports the server": ("loop", "import tocsin.server.app", layer_problems),
    "a new folder without a level": ("widgets", "x = 1", layer_problems),
    "pure code reads a clock": ("detect", "from datetime import datetime\nx = datetime.now()", clock_problems),
    "a view speaks SQL": ("views", "db.execute('SELECT 1')", sql_problems),
    "the store reads a clock": ("store", "import time\nx = time.time()", clock_problems),
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted_violations_are_caught(what, tmp_path):
    top, text, rule = PLANTED[what]
    assert list(rule(top, tmp_path / "x.py", ast.parse(text)))


def test_planted_lengths_are_caught(tmp_path):
    file = tmp_path / "x.py"
    file.write_text('"""Long. Pure."""\n' + "x = 1\n" * 400)
    assert list(size_problems(file, ast.parse(file.read_text())))
    file.write_text("def f():\n" + "    x = 1\n" * 60)
    assert list(size_problems(file, ast.parse(file.read_text())))
    file.write_text('"""Says nothing."""')
    assert list(docstring_problems(file, ast.parse(file.read_text())))


def test_every_folder_is_in_the_architecture():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    tops = {top for top, _, _ in ALL} - {"__init__", "__main__"}
    assert [t for t in sorted(tops) if f"{t}" not in text or t not in LEVELS] == []


def test_every_detector_has_a_method_page():
    pages = "\n".join(p.read_text("utf-8") for p in (ROOT / "docs" / "methods").glob("*.md"))
    assert [name for name in DETECTORS if f"`{name}`" not in pages] == []


def test_every_command_has_help_with_an_example_and_stands_in_the_reference():
    reference = (ROOT / "docs" / "reference" / "commands.md").read_text("utf-8")
    group = cli._tocsin
    assert isinstance(group, Group)
    for name in cli.COMMANDS:
        command = group.get_command(None, name)  # type: ignore[arg-type]  # the context is not used
        assert command is not None
        assert re.search("Examples?:", command.help or ""), f"{name} --help shows no example"
        assert f"`tocsin {name}`" in reference, f"{name} is not in docs/reference/commands.md"


def test_generated_reference_pages_are_fresh():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    stale = [n for n, page in generate.PAGES.items() if (generate.HERE / n).read_text("utf-8") != page()]
    assert stale == [], "run: python docs/generate.py"


def test_nothing_names_this_machine_or_a_registry():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    bad = []
    for name in files:
        path = ROOT / name
        if path.suffix in {".png", ".gz", ".woff2", ".ico"} or not path.is_file():
            continue
        text = path.read_text("utf-8", errors="replace")
        words = ("/wo" + "rk/", "pypi" + ".org", "registry" + ".npmjs", "files.python" + "hosted", "deb" + ".debian")
        bad += [f"{name}: {w}" for w in words if w in text]
    assert bad == []


def test_locks_are_hashed_and_dependencies_few():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert len(project["dependencies"]) <= 14
    for lock in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / lock).read_text("utf-8").splitlines()
        pins = [i for i, line in enumerate(lines) if "==" in line and not line.startswith((" ", "#"))]
        assert pins
        assert all("--hash=sha256:" in lines[i + 1] for i in pins)
        assert not any("index-url" in line or "://" in line for line in lines)


def test_every_kind_of_finding_is_said_in_chinese():
    words = (ROOT / "web" / "src" / "lib" / "findings.ts").read_text("utf-8")
    said = set(re.findall(r"^  '?([a-z-]+)'?: '", words, re.MULTILINE))
    ends = "date|encoding|imported|json|value|range|required|column|table|report|long|area|signal|source|count"
    code = re.compile(rf'"((?:[a-z]+-)+(?:{ends}))"')
    codes = {c for top, path, _ in ALL if top in ("ingest", "store") for c in code.findall(path.read_text("utf-8"))}
    assert len(codes) > 10
    assert codes - said == set()
