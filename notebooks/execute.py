"""Run the notebooks from top to bottom and keep what they show: `python notebooks/execute.py [NAME ...]`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent
PICTURES = [  # JPEG: photographs as PNG would make the files ten times as large
    "--InlineBackend.figure_formats={'jpeg'}",
    "--InlineBackend.print_figure_kwargs={'bbox_inches': 'tight', 'pil_kwargs': {'quality': 90}}",
]
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> None:
    """Run one notebook in an empty folder and write its outputs into it, without what is of this machine or hour."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(
            notebook, timeout=None, kernel_name="python3", resources=resources, extra_arguments=PICTURES
        ).execute()
    for cell in notebook.cells:
        cell.metadata.clear()
    notebook.metadata = nbformat.from_dict(METADATA)
    nbformat.write(notebook, path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


def main(names: list[str]) -> None:
    """Execute the notebooks whose file names contain one of `names`; all without any."""
    os.environ.pop("MPLBACKEND", None)  # pictures go into the notebook
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(NOTEBOOKS.parent), os.environ.get("PYTHONPATH")])
    )  # the package of this checkout
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not names or any(name in path.name for name in names):
            execute(path)


if __name__ == "__main__":
    main(sys.argv[1:])
