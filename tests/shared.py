"""Where the reference outputs and real data lie; tests that need them skip, saying so, where they are absent."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("TOCSIN_SHARED") or ROOT.parent / "shared")


def shared(path: str) -> Path:
    """The shared file or folder, or skip the test."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"reference material {path!r} is not here; set TOCSIN_SHARED to the folder that holds it")
    return found
