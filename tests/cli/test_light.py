"""The commands of every day begin without the libraries that take longest to load."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("polars", "scipy.linalg", "scipy.sparse", "scipy.stats", "matplotlib")
TELL = "import sys, json; print(json.dumps(sorted(sys.modules)))"


def loaded(do: str) -> set[str]:
    """What a fresh interpreter has loaded after it did so."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", f"{do}\n{TELL}"], capture_output=True, text=True, check=True, env=env)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_loads_next_to_nothing():
    found = loaded("from tocsin.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass")
    assert not found & {*HEAVY, "numba", "numpy", "scipy"}


@pytest.mark.parametrize("name", ["check", "alerts", "ingest", "note", "serve"])
def test_a_daily_command_loads_no_tables_and_no_linear_algebra(name):
    assert not loaded(f"import tocsin.cli.{name}") & set(HEAVY)


def test_opening_a_city_loads_them_neither(city):
    found = loaded(f"from pathlib import Path\nfrom tocsin.cli.common import open_city\nopen_city(Path({str(city)!r}))")
    assert not found & set(HEAVY)
