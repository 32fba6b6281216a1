"""What the commands share: exit codes, the choice of a detector, progress, reports."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.detectors import Detector

T = TypeVar("T")
CHOICES = "mtcnn yunet cascade onnx retinaface dsfd keypoint_rcnn plates mtcnn_packaged"
AUTO, YUNET = "auto", "DEEPANON_YUNET"  # a detector's name; the variable that says where YuNet's weights are
NEED, TAKE = ("yunet", "onnx"), ("yunet", "onnx", "keypoint_rcnn")  # weights
FAILED, MISUSED = 1, 2  # exit codes: a file failed; the command itself was wrong


def add_detector(command: argparse.ArgumentParser, default: str = "mtcnn") -> None:
    """Add the options that `chosen_detector` reads.

    Commands that replace faces have `AUTO` as default; others, whose results are compared, a certain one.
    """
    command.add_argument(
        "--detector",
        default=default,
        help=f"one of: {CHOICES}; or several, as in mtcnn+plates; or {AUTO}: yunet if {YUNET} names its weights, else "
        "mtcnn (default: %(default)s)",
    )
    if default == AUTO:
        command.add_argument(
            "--detector-side",
            type=int,
            metavar="PX",
            help="look at pictures reduced to this longest side first, and closer only at what is found there: fast, "
            "and small faces are missed",
        )
    command.add_argument("--detector-weights", metavar="FILE", help=f"weights for --detector {' '.join(TAKE)}")
    command.add_argument(
        "--detector-layout", metavar="NAME", help="of the outputs, for --detector onnx: scrfd yolo end2end boxes"
    )
    command.add_argument(
        "--detector-scales",
        type=float,
        nargs="+",
        metavar="X",
        help="sizes at which --detector yunet looks: 1 2 finds faces half as large, in some four times the time",
    )
    command.add_argument(
        "--plate-weights", metavar="FILE", help="weights for --detector plates (default: what its package downloads)"
    )


def settle_detector(options: argparse.Namespace) -> None:
    """Put a detector's name in the place of `AUTO`, and YuNet's weights where nothing else is said; say so on stderr.

    Raises:
        OptionError: the variable names no file. Another detector in its place would be a surprise.
    """
    weights, names = os.environ.get(YUNET), options.detector.split("+")
    chosen = "yunet" if weights else "mtcnn"
    options.detector = "+".join(chosen if name == AUTO else name for name in names)
    if not weights or "yunet" not in options.detector.split("+") or getattr(options, "detections", None):
        return
    if AUTO in names:
        print(f"deepanon: faces are found by yunet, not by mtcnn, because {YUNET} is set", file=sys.stderr)
    if not options.detector_weights:
        if not Path(weights).is_file():
            raise OptionError(f"{YUNET} names {weights}, where there is no file: correct it, or take --detector mtcnn")
        options.detector_weights = weights


def check_detector(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of the chosen detector; `OptionError` where name and weights do not go together.

    Of several detectors it has a dictionary by name, as `build_detector` wants it.
    """
    names = options.detector.split("+")
    taking = [name for name in names if name in TAKE]
    if "given" in names:
        raise OptionError("detector 'given' reads its faces from a file: use --detections FILE")
    for name in taking:
        if name in NEED and not options.detector_weights:
            more = f", or {YUNET}" if name == "yunet" else ""
            raise OptionError(f"detector {name!r} needs --detector-weights FILE{more}")
    if options.detector_weights and not taking:
        raise OptionError(f"detector {options.detector!r} takes no weights")
    if len(taking) > 1 or len(set(names)) < len(names):
        raise OptionError(f"detectors {options.detector!r}: each once, and one at most of {', '.join(TAKE)}")
    if ("onnx" in names) != bool(options.detector_layout):
        raise OptionError("--detector-layout goes with --detector onnx, which needs it")
    if options.plate_weights and "plates" not in names:
        raise OptionError("--plate-weights goes with --detector plates")
    given = {name: {"weights": options.detector_weights} for name in taking if options.detector_weights}
    if options.detector_scales:
        if "yunet" not in names:
            raise OptionError("--detector-scales goes with --detector yunet")
        given["yunet"]["scales"] = tuple(options.detector_scales)
    if "onnx" in names:
        given["onnx"]["layout"] = options.detector_layout
    if options.plate_weights:
        given["plates"] = {"weights": options.plate_weights}
    return given if len(names) > 1 else given.get(options.detector, {})


def chosen_detector(options: argparse.Namespace) -> Detector:
    """Build the detector that the options of `add_detector` name."""
    from deepanon.detectors import build_detector

    return perhaps_reduced(build_detector(options.detector, **check_detector(options)), options)


def perhaps_reduced(detector: Detector, options: argparse.Namespace) -> Detector:
    """The detector, on reduced pictures if the options ask for it."""
    from deepanon.detectors import Reduced

    side = getattr(options, "detector_side", None)
    return detector if side is None else Reduced(detector, side)


def progress(steps: Iterable[T], total: int, unit: str = "photo") -> list[T]:
    """Everything that `steps` yields, with a bar on a terminal if there is more than one."""
    from tqdm import tqdm

    return list(tqdm(steps, total=total, unit=unit, disable=None if total > 1 else True))


def write_json(path: str, report: dict[str, Any]) -> None:
    """Write a report whole or not at all."""
    from deepanon.files import replacing

    with replacing(path) as temporary:
        temporary.write_text(json.dumps(report, indent=1) + "\n")


def check_report(path: str | None, others: Iterable[Path]) -> None:
    """Refuse a JSON file that is a folder, or one of the `others` that are read or written, before the work."""
    from deepanon.pipeline import refuse_same

    if path is None:
        return
    if Path(path).is_dir():
        raise OptionError(f"{path}: is a folder; a JSON file is to be written there")
    for other in others:
        refuse_same(other, path)


class Bars:
    """One progress bar after the other, for work that says what it does, how far it is and how far it will go."""

    def __init__(self) -> None:
        self.what = ""
        self.bar: Any = None

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Move the bar of `what`; another name ends the bar before."""
        from tqdm import tqdm

        if what != self.what or self.bar is None:
            self.close()
            self.what = what
            self.bar = tqdm(desc=what, unit="", unit_scale=True, initial=done, total=total, disable=None)
        self.bar.total = total
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """End the bar that is shown."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
