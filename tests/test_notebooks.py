"""The notebooks run from top to bottom; what they were committed with is whole and says nothing of a machine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SMALL = {"NOTEBOOK_IMAGES": "64", "NOTEBOOK_PHOTOS": "3"}  # the form in which they run here
LARGEST = 1.5e6  # bytes; a code host does not show much larger ones
MACHINE = re.compile(r"/(work|home|root|tmp|Users|usr|opt|var)/|[A-Z]:\\\\")
SAVE = """
import matplotlib.pyplot as plt
for number in plt.get_fignums():
    plt.figure(number).savefig(f"figure-{number}.png")
"""

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_there_are_three():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03"]


@each
def test_runs_from_top_to_bottom_and_shows_pictures(path, tmp_path):
    code = "\n".join("".join(cell["source"]) for cell in code_cells(path)) + SAVE
    environment = {**os.environ, **SMALL, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    figures = sorted(tmp_path.glob("figure-*.png"))
    assert len(figures) >= 3
    for figure in figures:
        assert np.asarray(Image.open(figure).convert("L")).std() > 10, f"{figure.name} is nearly blank"


@each
def test_is_committed_as_it_ran(path):
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"display_data", "execute_result", "stream"}  # no error
    assert {output["name"] for output in outputs if output["output_type"] == "stream"} <= {"stdout"}
    pictures = [output for output in outputs if {"image/png", "image/jpeg"} & output.get("data", {}).keys()]
    assert len(pictures) >= 3


@each
def test_outputs_are_small_and_name_no_machine(path):
    assert path.stat().st_size < LARGEST
    for cell in code_cells(path):
        for output in cell["outputs"]:
            texts = [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
            for text in map("".join, texts):
                assert not MACHINE.search(text), text
