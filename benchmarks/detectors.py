"""What detectors find, by the size of the face, and what they cost.

    python benchmarks/detectors.py                                  # times, on drawn scenes
    python benchmarks/detectors.py --data FOLDER                    # and recall and AP on photos with boxes
    python benchmarks/detectors.py --data FOLDER --yunet FILE.onnx --json out.json

FOLDER is in the layout of WIDER FACE. Recall is that of what is reported at the usual thresholds, average precision is
computed at low ones; both by WIDER's protocol at an IoU of 0.5, for faces of the given size (the root of their area),
the others being neither hit nor miss. Intervals are of 1,000 resamples of the photos. Times are CPU time of one process
with one thread, rounds take turns and the best of each counts, so that neighbours on the machine matter little. Memory
(`--memory`, Linux) is the peak of a process of its own while it looks at one picture, with all that is loaded in it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from deepanon.data.synthetic import draw_scene
from deepanon.data.wider import AnnotatedPhoto, read_wider
from deepanon.data.wider_truth import WiderTruth
from deepanon.detections import Detections
from deepanon.detectors import Detector, Reduced, build_detector
from deepanon.evaluation.bootstrap import percentile_interval, ratios, resample
from deepanon.evaluation.detection.wider_ap import WiderTable, wider_tables
from deepanon.geometry import Array

SIZES = {"all": (0, 1e9), "<16 px": (0, 16), "16–32": (16, 32), "32–96": (32, 96), "≥96": (96, 1e9)}
FRAMES = {"640x480": (640, 480, 4), "1920x1080": (1920, 1080, 8)}  # width, height, faces
REFERENCE = "mtcnn_packaged"
LOW = {"mtcnn": {"thresholds": (0.3, 0.3, 0.02)}, "yunet": {"threshold": 0.02}}  # for average precision
USUAL = 0.6  # YuNet's threshold
Row = dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", default=[], help="folder; may be given again")
    parser.add_argument("--images", type=int, help="only the first so many photos of each folder")
    parser.add_argument("--yunet", metavar="FILE", help="YuNet's weights")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the detectors")
    parser.add_argument("--rounds", type=int, default=5, help="of the times; 0: none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--memory", action="store_true", help="measure peak memory too")
    parser.add_argument("--peak", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if options.peak:
        print(json.dumps(_peaks(options.peak, options.yunet)))
        return
    times = time_rows(options.rounds, options.yunet, options.only, options.memory) if options.rounds else []
    print(table(times) if times else "")
    found = []
    for folder in options.data:
        rows = accuracy_rows(folder, options.yunet, options.images, options.only)
        print(f"\n{folder.name}: {rows[0]['photos']} photos\n\n{wide(rows)}", flush=True)
        found += rows
    if options.json:
        options.json.write_text(json.dumps({"times": times, "accuracy": found}, indent=1) + "\n")


def choices(yunet: str | None, only: Sequence[str] | None = None) -> dict[str, Callable[..., Detector]]:
    """What is compared: name -> how it is built, with other thresholds on request."""
    every: dict[str, Callable[..., Detector]] = {
        name: lambda name=name, **low: build_detector(name, **low.get("mtcnn", {})) for name in (REFERENCE, "mtcnn")
    }
    every["mtcnn, reduced to 640"] = lambda **low: Reduced(every["mtcnn"](**low))

    def with_yunet(**options: Any) -> Callable[..., Detector]:
        return lambda **low: build_detector("yunet", **({"weights": yunet} | options | low.get("yunet", {})))

    if yunet:
        every |= {
            "yunet": with_yunet(runtime="auto"),
            "yunet, OpenCV": with_yunet(runtime="opencv"),
            "yunet, ×1 ×2": with_yunet(scales=(1, 2)),
            "yunet, ×½ ×1 ×2": with_yunet(scales=(0.5, 1, 2)),
            "yunet, ×1 ×2 ×4": with_yunet(scales=(1, 2, 4)),
            "yunet, turned": with_yunet(turns=(0, 90, 180, 270)),
            "yunet, side 640": with_yunet(side=640),
            "yunet, reduced to 640": lambda **low: Reduced(with_yunet()(**low)),
        }
    return {name: build for name, build in every.items() if only is None or name in only}


def accuracy_rows(
    folder: Path, yunet: str | None = None, images: int | None = None, only: Sequence[str] | None = None
) -> list[Row]:
    """Recall and AP of every detector for every size, with intervals; and false alarms a photo."""
    photos = read_wider(folder, images)
    truth = sized(photos)
    counts = resample(len(photos), 1000, seed=0)
    rows: list[Row] = []
    for name, build in choices(yunet, only).items():
        twice = not name.startswith("yunet") or "reduced" in name  # where thresholds decide what is looked at next
        low = looked(build(**LOW), photos)
        usual = looked(build(), photos) if twice else at_least(low, USUAL)
        tables, ranked = wider_tables(truth, usual), wider_tables(truth, low)
        matched = tables["all"].detections[:, -1].sum() - tables["all"].hits[:, -1].sum()
        for size in SIZES:
            recall, faces = tables[size].hits[:, -1], tables[size].faces
            drawn = ratios((counts @ recall).astype(float), (counts @ faces).astype(float))
            rows.append(
                {"data": folder.name, "photos": len(photos), "detector": name, "size": size, "faces": int(faces.sum()),
                 "recall": float(recall.sum() / max(1, faces.sum())), "recall_interval": percentile_interval(drawn),
                 "ap": ranked[size].average_precision(), "ap_interval": interval(ranked[size], counts),
                 "alarms": float(matched / len(photos))}
            )  # fmt: skip
    return rows


def sized(photos: Sequence[AnnotatedPhoto]) -> WiderTruth:
    """The ground truth with a subset for each of `SIZES`."""
    truth = WiderTruth.of_photos(photos)
    sides = [np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) for boxes in truth.boxes]
    counts = {
        size: tuple(real & (side >= low) & (side < high) for real, side in zip(truth.counts["all"], sides, strict=True))
        for size, (low, high) in SIZES.items()
    }
    return WiderTruth(truth.names, truth.boxes, counts)


def looked(detector: Detector, photos: Sequence[AnnotatedPhoto]) -> dict[str, Detections]:
    """What it finds in every photo."""
    return {photo.name: detector(photo.read(), photo.name) for photo in photos}


def at_least(found: Mapping[str, Detections], score: float) -> dict[str, Detections]:
    """The detections that reach a score; of NMS, where the better one wins, they are what is left at that threshold."""
    return {name: faces[faces.scores >= score] for name, faces in found.items()}


def interval(scored: WiderTable, counts: Array) -> tuple[float, float]:
    """Of average precision."""
    return percentile_interval(scored.resampled(counts))


def time_rows(
    rounds: int = 5, yunet: str | None = None, only: Sequence[str] | None = None, memory: bool = False
) -> list[Row]:
    """CPU time of every detector on each of `FRAMES`, as a ratio to the packaged MTCNN, and peak memory."""
    rows = []
    built = {name: build() for name, build in choices(yunet, None if only is None else [*only, REFERENCE]).items()}
    peaks = {name: peak(name, yunet) if memory else {} for name in built}
    for frame in FRAMES:
        image = scene(frame)
        best = {name: (float("inf"), 0) for name in built}
        for _ in range(rounds + 1):  # the first warms up, and its times are never the best
            for name, detector in built.items():
                began = time.process_time()
                faces = detector(image)
                best[name] = min(best[name], (time.process_time() - began, len(faces)))
        for name, (seconds, faces) in best.items():
            rows.append(
                {"detector": name, "frame": frame, "faces": faces, "ms": 1000 * seconds,
                 "ratio": seconds / best[REFERENCE][0], "peak_mib": peaks[name].get(frame)}
            )  # fmt: skip
    return rows


def scene(frame: str) -> Array:
    """The fixed input of that size: drawn faces."""
    width, height, faces = FRAMES[frame]
    return draw_scene(width, height, faces, seed=1)[0]


def peak(name: str, yunet: str | None) -> dict[str, float]:
    """Frame -> MiB at the most while it is looked at, of a process in which nothing else is done."""
    command = [sys.executable, __file__, "--peak", name, *(["--yunet", yunet] if yunet else [])]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(json.loads(said.splitlines()[-1]))


def _peaks(name: str, yunet: str | None) -> dict[str, float]:
    detector, frames = choices(yunet)[name](), {frame: scene(frame) for frame in FRAMES}
    found = {}
    for frame, image in frames.items():
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew with what is held now
        detector(image)
        found[frame] = _highest()
    return found


def _highest() -> float:
    """Peak memory of this process in MiB; not that of `getrusage`, which begins with what the parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def table(rows: Sequence[Row]) -> str:
    """Times as Markdown."""
    lines = ["| detector | frame | faces | ms | ratio | peak, MiB |", "|" + "---|" * 6]
    for row in rows:
        memory = "–" if row["peak_mib"] is None else f"{row['peak_mib']:.0f}"
        cells = f"{row['ms']:.0f} | {row['ratio']:.2f} | {memory}"
        lines.append(f"| {row['detector']} | {row['frame']} | {row['faces']} | {cells} |")
    return "\n".join(lines)


def wide(rows: Sequence[Row]) -> str:
    """Recall and AP as Markdown, a line for each detector."""
    faces = {row["size"]: row["faces"] for row in rows}
    heads = [f"recall {size} ({faces[size]})" for size in SIZES] + ["AP all", "AP 32–96", "alarms a photo"]
    lines = [f"| detector | {' | '.join(heads)} |", "|" + "---|" * (len(heads) + 1)]
    for name in dict.fromkeys(row["detector"] for row in rows):
        mine = {row["size"]: row for row in rows if row["detector"] == name}
        cells = [said(mine[size], "recall") for size in SIZES] + [said(mine[size], "ap") for size in ("all", "32–96")]
        lines.append(f"| {name} | {' | '.join(cells)} | {mine['all']['alarms']:.2f} |")
    return "\n".join(lines)


def said(row: Row, what: str) -> str:
    """A share in percent with its interval."""
    if not row["faces"]:
        return "–"
    low, high = row[f"{what}_interval"]
    return f"{100 * row[what]:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
