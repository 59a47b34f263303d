"""Run the notebooks of the guides afresh and keep what they print; a test says when what is kept is stale. I/O.

python docs/notebooks.py            all of them
python docs/notebooks.py detect     docs/guides/detect.ipynb alone
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

__all__ = ["CellExecutionError", "executed", "notebooks", "said"]

HERE = Path(__file__).parent
GUIDES = HERE / "guides"
SECONDS = 300  # for one cell


def notebooks() -> list[Path]:
    """Every notebook of the guides."""
    return sorted(GUIDES.glob("*.ipynb"))


def executed(path: Path) -> Any:
    """The notebook run from nothing in an empty directory; CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    source = str(HERE.parent / "src")
    with tempfile.TemporaryDirectory() as empty:
        # Nothing of the person's own settings, and no thread more than the command line takes.
        environment = {**os.environ, "PYTHONPATH": source, "IPYTHONDIR": empty, "OPENBLAS_NUM_THREADS": "1"}
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": empty}},
        )
        client.execute(env=environment)
    notebook.metadata.pop("language_info", None)  # the interpreter's version is not the notebook's
    return notebook


def said(notebook: Any) -> list[list[str]]:
    """What each code cell left: its printed text and results, and for a picture only that it is one."""
    return [[_told(o) for o in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def _told(output: Any) -> str:
    if output.output_type == "stream":
        return f"{output.name}: {output.text}"
    if output.output_type == "error":
        return f"error: {output.ename}: {output.evalue}"
    pictures = sorted(kind for kind in output.data if kind.startswith("image/"))
    return ", ".join(pictures) or f"result: {output.data.get('text/plain', '')}"


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for path in notebooks():
        if not wanted or path.stem in wanted:
            nbformat.write(executed(path), path)
