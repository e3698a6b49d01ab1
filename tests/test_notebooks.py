"""Notebooks run from top to bottom, and what is committed is what such a run left."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
ABSOLUTE_PATH = re.compile(r"(?<![\w:/.])/(?:[\w.-]+/)+|\b[A-Za-z]:\\")
HANGS = 600  # seconds; the slowest cell takes 50 alone on two cores, 180 were too few beside other work

pytestmark = [pytest.mark.once, pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)]


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def texts(notebook):
    """All that a reader sees, pictures apart."""
    for cell in notebook["cells"]:
        yield "".join(cell["source"])
        for output in cell.get("outputs", ()):
            yield "".join(output.get("text", ()))
            yield from ("".join(text) for kind, text in output.get("data", {}).items() if kind.startswith("text/"))


def test_is_committed_as_one_run_left_it(path):
    assert path.stat().st_size < 1_000_000
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = code_cells(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell["outputs"])
    assert not [text for text in texts(notebook) if ABSOLUTE_PATH.search(text)]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_runs_from_top_to_bottom(path):
    nbformat = pytest.importorskip("nbformat", reason="reads notebooks")
    nbclient = pytest.importorskip("nbclient", reason="runs notebooks")
    for needed in ("ipykernel", "matplotlib", "sklearn", "skimage", *(["netket"] if "quantum" in path.stem else [])):
        if find_spec(needed) is None:  # not imported: NetKet changes JAX
            pytest.skip(f"a notebook imports {needed}")
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=HANGS, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()  # raises the first cell's error
    streams = [output for cell in code_cells(notebook) for output in cell["outputs"] if "name" in output]
    assert not [output["text"] for output in streams if output["name"] == "stderr"]
