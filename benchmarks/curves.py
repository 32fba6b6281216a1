"""The log of a training as one picture: losses, scores and distances by images seen, and the hours they took.

    python benchmarks/curves.py out/train -o docs/training.png [--title TEXT]

Reads what `logger=csv` wrote, all starts together; what a start did again is taken from the later one.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from deepanon.files import replacing
from deepanon.geometry import Array

PANELS = {
    "losses": {"discriminator/loss": "discriminator", "generator/loss": "generator"},
    "scores of crops": {"discriminator/real": "real", "discriminator/fake": "drawn"},
    "distance of the face box to held-out faces": {"fd/onet/face": "FD(O-Net)"},
    "two drawings of one face": {"generator/diversity": "apart"},
}
INK, SOFT, COLOURS = "#1c1c1c", "#8a8a8a", ("#0f6b5c", "#c2571a")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="output folder of train.py")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="picture to write")
    parser.add_argument("--title", default="", help="what is shown: model, data, hardware")
    options = parser.parse_args()
    rows = read(options.folder)
    with replacing(options.output) as temporary:
        draw(rows, options.title).savefig(temporary, dpi=110, facecolor="white")
    hours = float(np.sum(spent(rows)))
    print(f"{options.output}: {max(rows):,} images in {hours:.1f} hours of training")


def read(folder: Path) -> dict[int, dict[str, float]]:
    """Images seen -> what was logged then, of all starts in their order."""
    rows: dict[int, dict[str, float]] = {}
    starts = sorted(folder.glob("log/version_*/metrics.csv"), key=lambda path: int(path.parent.name.split("_")[1]))
    for start in starts:
        with start.open(newline="") as stream:
            logged = [(int(row["step"]), row) for row in csv.DictReader(stream)]
        if logged:  # what was seen after the checkpoint that this start went on from is seen again
            rows = {images: row for images, row in rows.items() if images < logged[0][0]}
        for images, row in logged:
            found = {name: float(value) for name, value in row.items() if value and name != "step"}
            rows.setdefault(images, {}).update(found)
    if not rows:
        raise SystemExit(f"{folder}: no log/version_*/metrics.csv; curves are drawn of what logger=csv wrote")
    return dict(sorted(rows.items()))


def curve(rows: dict[int, dict[str, float]], name: str) -> Array:
    """(N, 2) images seen and value."""
    return np.array([(images, row[name]) for images, row in rows.items() if name in row]).reshape(-1, 2)


def spent(rows: dict[int, dict[str, float]]) -> Array:
    """(N,) hours from one entry to the next, by the speed that was logged."""
    speed = curve(rows, "speed/images_per_second")
    return np.diff(speed[:, 0], prepend=0) / speed[:, 1] / 3600


def draw(rows: dict[int, dict[str, float]], title: str) -> plt.Figure:
    """All panels that there are values for, one below the other."""
    panels = {name: lines for name, lines in PANELS.items() if any(len(curve(rows, key)) for key in lines)}
    figure, axes = plt.subplots(len(panels), 1, figsize=(9, 2.1 * len(panels) + 0.6), sharex=True, squeeze=False)
    resolution = curve(rows, "growth/resolution")
    for axis, (name, lines) in zip(axes[:, 0], panels.items(), strict=True):
        for (key, label), colour in zip(lines.items(), COLOURS, strict=False):
            points = curve(rows, key)
            mark = "o-" if len(points) < 60 else "-"
            axis.plot(*points.T, mark, color=colour, linewidth=1.2, markersize=3, label=label)
        if name.startswith("distance"):
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_formatter("")
        for at in np.flatnonzero(np.diff(resolution[:, 1])):
            axis.axvline(resolution[at + 1, 0], color=SOFT, linewidth=0.8, linestyle=":")
        axis.set_title(name, loc="left", fontsize=10, color=INK)
        axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8, colors=INK)
    for at, size in [(0, resolution[0, 1]), *resolution[1:][np.diff(resolution[:, 1]) > 0]]:
        axes[0, 0].annotate(
            f"{size:.0f} px", (at, 1), xycoords=("data", "axes fraction"), xytext=(3, -9), textcoords="offset points",
            fontsize=8, color=SOFT,
        )  # fmt: skip
    axes[-1, 0].set_xlabel("images seen", fontsize=9)
    axes[-1, 0].xaxis.set_major_formatter(lambda images, _: f"{images:,.0f}")
    figure.suptitle(title, x=0.02, ha="left", fontsize=11, color=INK)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    main()
