"""The notebook that reviews a sample: it runs from the first cell to the last, and is kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "review_a_session.ipynb"


def test_the_notebook_runs():
    """Every cell runs on the first sample, and the first tells what happened in one sentence."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=100, kernel_name="python3", resources={"metadata": {"path": NOTEBOOK.parent}}
    ).execute()
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    printed = "".join(output.get("text", "") for output in first.outputs)
    assert "simulated session" in printed


def test_the_notebook_holds_no_outputs():
    """Outputs stay out of the repository: they are somebody's body, or stale."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
