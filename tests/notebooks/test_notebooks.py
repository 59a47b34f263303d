"""Every notebook of the guides runs from nothing without an error, and the output it keeps is what it says now."""

import importlib.util

import nbformat
import pytest

from shared import ROOT

_spec = importlib.util.spec_from_file_location("notebooks", ROOT / "docs" / "notebooks.py")
notebooks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(notebooks)


@pytest.fixture(autouse=True)
def _own_directories(monkeypatch, tmp_path):
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path))


def stale(path):
    """What a notebook keeps and no longer says; nothing kept is never stale. An error in a cell is raised."""
    kept = notebooks.said(nbformat.read(path, as_version=4))
    now = notebooks.said(notebooks.executed(path))
    return [] if not any(kept) else [(k, n) for k, n in zip(kept, now, strict=True) if k != n]


@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda p: p.stem)
def test_it_runs_and_its_outputs_are_current(path):
    assert stale(path) == [], f"run: python docs/notebooks.py {path.stem}"


def test_there_are_notebooks():
    assert notebooks.notebooks()


def _written(path, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbformat.write(notebook, path)
    return notebook


def test_a_failing_cell_and_a_stale_output_are_caught(tmp_path):
    path = tmp_path / "x.ipynb"
    _written(path, "a = 1", "print(a + 1)\na")
    assert stale(path) == []
    told = notebooks.executed(path)
    assert notebooks.said(told) == [[], ["stdout: 2\n", "result: 1"]]
    nbformat.write(told, path)
    assert stale(path) == []
    told.cells[1].outputs[0].text = "3\n"
    nbformat.write(told, path)
    assert stale(path) == [(["stdout: 3\n", "result: 1"], ["stdout: 2\n", "result: 1"])]
    _written(path, "1 / 0")
    with pytest.raises(notebooks.CellExecutionError, match="ZeroDivisionError"):
        stale(path)
