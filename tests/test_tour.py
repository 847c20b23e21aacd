"""The notebook runs from its first cell to its last, and holds what comes out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.pictures import words

NOTEBOOK = Path(__file__).parent.parent / "demos" / "tour.ipynb"
HELPER = "tests.helpers.notebook"


def cells_of(path):
    """The cells, of a picture in an output what it says."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for output in [each for cell in cells for each in cell.get("outputs", [])]:
        if svg := output.get("data", {}).get("image/svg+xml"):
            output["data"] = words(svg)
    return cells


@pytest.mark.slow
def test_what_a_cell_shows_is_what_comes_out(tmp_path):
    pytest.importorskip("IPython")
    pytest.importorskip("pygraphviz")
    again = Path(shutil.copy(NOTEBOOK, tmp_path))
    environment = os.environ | {"IPYTHONDIR": str(tmp_path / "ipython")}
    command = [sys.executable, "-m", HELPER, str(again)]
    subprocess.run(command, check=True, env=environment, cwd=NOTEBOOK.parents[1])
    advice = f"python -m {HELPER} demos/{NOTEBOOK.name}"
    assert cells_of(again) == cells_of(NOTEBOOK), advice


def test_it_shows_the_three_uses():
    cells = cells_of(NOTEBOOK)
    headings = [cell["source"][0] for cell in cells if cell["source"][0].startswith("## ")]
    assert headings == ["## Step\n", "## Draw\n", "## Test\n"]
    assert len(cells) < 20
