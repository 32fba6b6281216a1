"""What narrower generators cost and what they are worth: distance to real faces against time, one point a network.

    python benchmarks/distil.py research half.safetensors --crops FOLDER --yunet FILE.onnx --recogniser FILE.xml \
        --json rows.json -o docs/performance.md

The first network is the teacher. Times are those of the inference form, all networks in turns, medians; ratios are to
the teacher's. All draw the same held-out crops from the same noise, three times each, as for a generator's card. What
`--json` has already is kept: `--only time` on a quiet machine, `--only looks` on any.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from bench import placed, table
from generators import MANY, faces_of, timed

from deepanon.anonymizers import build_anonymizer
from deepanon.crops import box_mask
from deepanon.data.crops import PackedCrops
from deepanon.detectors import Mtcnn, YuNet
from deepanon.distance import Moments, frechet_distance
from deepanon.embedders import Aligned, Onet, OpenVino, Recogniser
from deepanon.evaluation import Method, NewFaces, QualityStudy, Scorer, Store
from deepanon.evaluation.quality.draws import replaced
from deepanon.files import replacing
from deepanon.geometry import Array
from deepanon.models.inference import inference_form
from deepanon.runtimes.pace import machine
from deepanon.weights import LoadedGenerator, load_generator

matplotlib.use("Agg")
from matplotlib import pyplot as plt

Row = dict[str, Any]
GROUPS = 20  # of crops, of which one is left out at a time
INK, SOFT, TEACHER, STUDENT = "#1c1c1c", "#8a8a8a", "#c2571a", "#0f6b5c"
COLUMNS = {
    "name": ("network", ""), "parameters": ("parameters", ",.0f"), "ms_1": ("ms a face", ".1f"),
    "ratio_1": ("to the teacher", ".2f"), f"ms_{MANY}": (f"ms a face, {MANY} at a time", ".1f"),
    f"ratio_{MANY}": ("to the teacher", ".2f"), "fd": ("FD(O-Net)", ""), "mtcnn": ("found by MTCNN", ""),
    "yunet": ("found by YuNet", ""), "spread": ("two draws apart", ""), "matched": ("taken for the original", ""),
    "deviation": ("from the teacher's pictures, levels", ".1f"),
}  # fmt: skip


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME|FILE", help="the teacher, then its students")
    parser.add_argument("--crops", type=Path, metavar="FOLDER", help="packed crops; the held-out ones are drawn")
    parser.add_argument("--yunet", metavar="FILE", help="weights of YuNet")
    parser.add_argument("--recogniser", metavar="FILE", help="OpenVINO network that takes ArcFace's cut, RGB")
    parser.add_argument("--only", choices=("time", "looks"))
    parser.add_argument("--limit", type=int, help="crops (default: all)")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path, metavar="FILE", help="rows; what is there already is kept")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="PAGE", help="write into its marks, with distil.png beside"
    )
    options = parser.parse_args()
    if options.crops is None and options.only != "time":
        parser.error("looks are measured on held-out crops: give --crops FOLDER, or --only time")
    loaded = {Path(model).stem: load_generator(model) for model in options.models}
    found = json.loads(options.json.read_text()) if options.json and options.json.is_file() else {}
    rows: dict[str, Row] = found.get("rows", {})
    measured = {name: {"name": name, "parameters": _count(one)} for name, one in loaded.items()}
    if options.only != "looks":
        _add(measured, times(loaded, options.rounds))
        found |= {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine()}
    if options.only != "time":
        _add(measured, looks(options))
    found["rows"] = {name: rows.get(name, {}) | row for name, row in measured.items()}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    told = page_of(found)
    print(told)
    if options.output:
        options.output.write_text(placed(options.output.read_text("utf-8"), "distil", told), "utf-8")
        with replacing(options.output.parent / "distil.png") as temporary:
            picture(list(found["rows"].values())).savefig(temporary, dpi=110, facecolor="white")


def times(loaded: dict[str, LoadedGenerator], rounds: int) -> dict[str, Row]:
    """Milliseconds a face of each network's inference form, one face and several at a time."""
    runs = {
        (name, faces): (inference_form(one.network), faces_of(one, faces))
        for name, one in loaded.items()
        for faces in (1, MANY)
    }
    seconds = timed(runs, rounds, time.perf_counter)
    teacher = next(iter(loaded))
    rows: dict[str, Row] = {name: {} for name in loaded}
    for (name, faces), took in seconds.items():
        rows[name] |= {f"ms_{faces}": 1000 * took / faces, f"ratio_{faces}": took / seconds[teacher, faces]}
    return rows


def looks(options: argparse.Namespace) -> dict[str, Row]:
    """Distance, faces found again, variety, identity, and how far the pictures are from the teacher's."""
    crops = PackedCrops(options.crops, "val", 128)
    cache = Store(options.json.with_suffix(".sqlite")) if options.json else None
    study = QualityStudy("held out", crops, [Onet()], limit=options.limit, cache=cache)
    gans = {Path(model).stem: build_anonymizer("gan", model=model) for model in options.models}
    methods = [Method(name, gan, gan.description, True) for name, gan in gans.items()]
    scorers = {"mtcnn": Scorer(Mtcnn(min_face_size=20, thresholds=(0.6, 0.7, 0.05)), 0.7)}
    if options.yunet:
        scorers["yunet"] = Scorer(YuNet(options.yunet, threshold=0.05), 0.6)
    recognisers = {}
    if options.recogniser:
        recognisers["recogniser"] = Recogniser(OpenVino(options.recogniser), Aligned("arcface"))
    rows: dict[str, Row] = {method.name: _distance(study, method) for method in methods}
    for value in NewFaces(study, recognisers, scorers).values(methods):
        key = {"found_again": value.by, "z_spread": "spread", "drawn_match": "matched"}.get(value.metric)
        if key:
            rows[value.method] |= _told(key, value.value, value.low, value.high)
    for method in methods[1:]:
        rows[method.name]["deviation"] = deviation(study, methods[0], method)
    return rows


def _distance(study: QualityStudy, method: Method) -> Row:
    """FD of the face box, the mean of the seeds, with the jackknife's 95 % interval over groups of crops."""
    ruler = study.rulers[0].real["face"]
    seeds = [seen["face"] for seen in study.book.look(study.embedders, method, study.seeds).features["onet"]]
    groups = np.arange(len(ruler)) % GROUPS

    def distance(keep: Array) -> float:
        real = Moments.of(ruler[keep])
        return float(np.mean([frechet_distance(Moments.of(drawn[keep]), real) for drawn in seeds]))

    left = np.array([distance(groups != group) for group in range(GROUPS)])
    error = np.sqrt((GROUPS - 1) / GROUPS * np.square(left - left.mean()).sum())
    value = distance(groups >= 0)
    return {
        "fd": f"{value:.3f} [{value - 1.96 * error:.3f}, {value + 1.96 * error:.3f}]",
        "fd_value": value,
        "fd_error": 1.96 * float(error),
    }


def _told(key: str, value: float, low: float | None, high: float | None) -> Row:
    ends = f" [{100 * low:.1f}, {100 * high:.1f}]" if low is not None and high is not None else ""
    return {key: f"{100 * value:.1f} %{ends}", f"{key}_value": value}


def deviation(study: QualityStudy, teacher: Method, student: Method) -> float:
    """Mean absolute difference of the two's pictures of a face box, in levels of 255."""
    rows, size = study.book.rows, study.book.resolution
    sums, count = 0.0, 0.0
    for start in range(0, len(rows), 64):
        _, one, boxes = replaced(study.book.data, rows[start : start + 64], size, teacher, 0)
        other = replaced(study.book.data, rows[start : start + 64], size, student, 0)[1]
        inside = box_mask(boxes, size)
        sums += float(((one.float() - other.float()).abs() * inside).sum())
        count += 3 * float(inside.sum())
    return sums / count


def _add(rows: dict[str, Row], more: dict[str, Row]) -> None:
    for name, row in more.items():
        rows[name] |= row


def _count(loaded: LoadedGenerator) -> int:
    return sum(parameter.numel() for parameter in loaded.network.parameters())


def page_of(found: Row) -> str:
    """The table, and where it was measured."""
    where = f"{found.get('machine', 'no times')}; PyTorch {torch.__version__.split('+')[0]}; {found.get('date', '')}"
    return f"{table(COLUMNS, list(found['rows'].values()))}\n\n*{where}.*"


def picture(rows: Sequence[Row]) -> plt.Figure:
    """FD of the face box against milliseconds a face, one and several at a time; the teacher is the first row."""
    known = [row for row in rows if "fd_value" in row and "ms_1" in row]
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for axes, faces in zip(panels, (1, MANY), strict=True):
        ordered = sorted(known, key=lambda row: row[f"ms_{faces}"])
        axes.plot(*zip(*((r[f"ms_{faces}"], r["fd_value"]) for r in ordered), strict=True), color=SOFT, linewidth=1)
        for row in known:
            _point(axes, row, row[f"ms_{faces}"], teacher=row is known[0])
        axes.set_xlim(0, 1.2 * max(row[f"ms_{faces}"] for row in known))
        axes.set_ylim(0, 1.3 * max(row["fd_value"] + row["fd_error"] for row in known))
        many = "one at a time" if faces == 1 else f"{faces} at a time"
        axes.set_xlabel(f"ms a face, {many}", fontsize=9, color=INK)
        axes.tick_params(labelsize=8, colors=INK)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("FD(O-Net) of the face box", fontsize=9, color=INK)
    return figure


def _point(axes: plt.Axes, row: Row, ms: float, *, teacher: bool) -> None:
    """One network: the teacher is named under its interval, students above theirs, so that names do not meet."""
    colour = TEACHER if teacher else STUDENT
    axes.errorbar(ms, row["fd_value"], row["fd_error"], fmt="o", color=colour, capsize=3, markersize=6, zorder=3)
    end = row["fd_value"] + (-row["fd_error"] if teacher else row["fd_error"])
    label = f"{row['name'].replace('_', ' ')}{' (teacher)' if teacher else ''}\n{row['parameters'] / 1e6:.2f} M"
    axes.annotate(label, (ms, end), xytext=(0, -6 if teacher else 6), textcoords="offset points", fontsize=8.5,
                  color=colour, ha="center", va="top" if teacher else "bottom")  # fmt: skip


if __name__ == "__main__":
    main()
