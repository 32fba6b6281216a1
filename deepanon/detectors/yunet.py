"""YuNet (Wu et al. 2023); the user brings the ONNX file from OpenCV's model zoo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.detectors.tiles import TILE, detect_in_tiles
from deepanon.detectors.views import check_views, detect_in_views
from deepanon.detectors.yunet_runtimes import AUTO, open_runtime
from deepanon.errors import OptionError
from deepanon.files import named
from deepanon.geometry import Array
from deepanon.images import check_pixels


class YuNet:
    """Finds faces with boxes, scores and five keypoints.

    Args:
        weights: path of `face_detection_yunet_*.onnx`.
        threshold: lowest score to report, in [0, 1]; for average precision use a low one, say 0.02.
        nms: of two boxes with an IoU above this the lower one is dropped.
        runtime: "onnxruntime", "opencv", or "auto": ONNX Runtime where it is installed and takes the file, else OpenCV.
            Both find the same to a fraction of a pixel; the description says which one it is.
        scales: sizes at which the picture is looked at, as factors; 2 finds faces half as large, in four times the
            time.
        turns: degrees by which it is turned too, of 0, 90, 180, 270, for heads that lie on their side or upside down.
        side: larger pictures are reduced to this longest side first: fast, and blind for what gets smaller than some 10
            pixels by it. None looks at the whole size, in tiles if need be.

    Raises:
        FileNotFoundError: there is no file at `weights`.
        ModelError: the runtime cannot load it.
        OptionError: a value makes no sense, or the runtime is not installed.
    """

    name = "yunet"

    def __init__(
        self,
        weights: str | Path,
        threshold: float = 0.6,
        nms: float = 0.3,
        runtime: str = AUTO,
        scales: Sequence[float] = (1.0,),
        turns: Sequence[int] = (0,),
        side: int | None = None,
    ) -> None:
        if not (0 <= threshold <= 1 and 0 <= nms <= 1):
            raise OptionError(f"threshold and nms must lie in [0, 1], got {threshold} and {nms}")
        check_views(scales, turns, side)
        if not Path(weights).is_file():
            raise FileNotFoundError(f"no YuNet weights at {weights}; download the ONNX file from OpenCV's model zoo")
        self.runtime = open_runtime(runtime, Path(weights), threshold, nms)
        self.scales, self.turns, self.side, self.nms = tuple(scales), tuple(turns), side, nms
        looked = "whole picture" if side is None else f"longest side at most {side} px"
        looked += (
            "" if self.scales == (1,) else f", at {' '.join(f'{scale:g}' for scale in self.scales)} times its size"
        )
        looked += "" if self.turns == (0,) else f", turned by {' '.join(map(str, self.turns))} degrees"
        self.description = (
            f"YuNet of {self.runtime.description}, {named(weights)}; threshold {threshold:g}, NMS {nms:g}; "
            f"{looked}, BGR, tiles above {TILE} px"
        )

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture, best score first (in tiles: largest first)."""
        check_pixels(image)
        return detect_in_views(
            lambda view: detect_in_tiles(self._detect, view), image, self.scales, self.turns, self.side, self.nms
        )

    def _detect(self, image: Array) -> Detections:
        rows = self.runtime(image)
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        solid = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        real = solid & geometry.inside(boxes, image.shape[1], image.shape[0])
        # its points start with the subject's right eye, which is the left one in the picture
        return Detections(boxes[real], np.clip(rows[real, 14], 0, 1), rows[real, 4:14].reshape(-1, 5, 2), schema=FIVE)
