"""WIDER FACE's AP against plain loops over pictures, thresholds and detections, on as many as the validation set has.

    python benchmarks/wider_ap.py                       # drawn faces
    DEEPANON_DATA=FOLDER python benchmarks/wider_ap.py  # the official ground truth: wider in it

The loops are those of tests/evaluation/test_wider_ap.py, which were written from the description of the protocol. Like
the official program they match once for each subset. Both get the same arrays, read before; times are CPU time of one
process, and the APs must agree to 1e-6. The loops take minutes; `--images` takes fewer pictures.
"""

from __future__ import annotations

import argparse
import os
import runpy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.data.wider_truth import SUBSETS, WiderTruth, read_wider_truth
from deepanon.evaluation.bootstrap import resample
from deepanon.evaluation.detection.wider_ap import wider_tables
from deepanon.evaluation.detection.wider_match import ARITHMETICS, MATLAB
from deepanon.geometry import Array

PICTURES = 3226  # of the official validation set
LOOPS = Path(__file__).parent.parent / "tests" / "evaluation" / "test_wider_ap.py"
Found = dict[str, tuple[Array, Array]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=PICTURES)
    parser.add_argument("--detections", type=int, default=150, help="a picture")
    parser.add_argument("--rounds", type=int, default=3, help="of ours; the best counts")
    options = parser.parse_args()
    truth = first(official() or drawn(options.images), options.images)
    found = detections(truth, options.detections)
    plainly = runpy.run_path(str(LOOPS))["plainly"]
    faces = sum(len(boxes) for boxes in truth.boxes)
    print(f"{len(truth)} pictures, {faces} faces, {options.detections} detections each\n")
    print(
        "| arithmetic | ours, s | loops, s | ratio | largest difference | AP easy | medium | hard |\n"
        + "|---" * 8
        + "|"
    )
    for arithmetic in ARITHMETICS:
        print(row(arithmetic, truth, found, plainly, options.rounds), flush=True)
    table = wider_tables(truth, found)["hard"]
    spent, _ = timed(lambda: table.resampled(resample(len(truth), 1000, seed=0)))
    print(f"\n1,000 resamples of one subset: {spent:.2f} s")


def row(arithmetic: str, truth: WiderTruth, found: Found, plainly: Callable[..., float], rounds: int) -> str:
    """One line of the table; raises where the two do not agree."""

    def ours() -> list[float]:
        return [table.average_precision() for table in wider_tables(truth, found, arithmetic).values()]

    def loops() -> list[float]:
        return [plainly(truth, found, subset, int32=arithmetic == MATLAB) for subset in SUBSETS]

    fast, values = min((timed(ours) for _ in range(rounds)), key=lambda pair: pair[0])
    slow, expected = timed(loops)
    difference = float(np.abs(np.subtract(values, expected)).max())
    if not difference <= 1e-6:
        raise SystemExit(f"{arithmetic}: APs {values} and {expected} differ by {difference}")
    cells = [arithmetic, f"{fast:.2f}", f"{slow:.1f}", f"{slow / fast:.0f}", f"{difference:.0e}"]
    return f"| {' | '.join([*cells, *(f'{value:.4f}' for value in values)])} |"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of CPU time, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def official() -> WiderTruth | None:
    """The ground truth of WIDER FACE, where there is one."""
    root = Path(os.environ.get("DEEPANON_DATA", "")) / "wider"
    return read_wider_truth(root) if root.is_dir() else None


def first(truth: WiderTruth, pictures: int) -> WiderTruth:
    """The first so many."""
    return truth.only(truth.names[:pictures])


def drawn(pictures: int) -> WiderTruth:
    """As many faces a picture as in WIDER on average, most pictures few and some hundreds; subsets by height."""
    rng = np.random.default_rng(0)
    boxes = []
    for _ in range(pictures):
        sides = rng.lognormal(3.3, 0.8, (int(rng.geometric(1 / 12)), 1)) * np.array([0.8, 1])
        low = rng.uniform(0, 900, sides.shape)
        boxes.append(np.concatenate([low, low + sides], axis=1).round())
    heights = {"easy": 50, "medium": 30, "hard": 10}
    counts = {name: tuple(b[:, 3] - b[:, 1] >= least for b in boxes) for name, least in heights.items()}
    return WiderTruth(tuple(f"{i}.jpg" for i in range(pictures)), tuple(boxes), counts)


def detections(truth: WiderTruth, number: int) -> Found:
    """Faces moved by a tenth of their size and false alarms, `number` a picture; faces score higher, but not always."""
    rng = np.random.default_rng(1)
    found = {}
    for name, boxes in zip(truth.names, truth.boxes, strict=True):
        near = rng.permutation(boxes)[: number // 2]
        near = near + 0.1 * rng.normal(size=near.shape) * np.tile(near[:, 2:] - near[:, :2], 2)
        low = rng.uniform(0, 900, (number - len(near), 2))
        alarms = np.concatenate([low, low + rng.lognormal(3.3, 0.8, low.shape)], axis=1)
        scores = np.concatenate([rng.beta(3, 1, len(near)), rng.beta(1, 3, len(alarms))])
        found[name] = (np.concatenate([near, alarms]), scores.astype(np.float32))
    return found


if __name__ == "__main__":
    main()
