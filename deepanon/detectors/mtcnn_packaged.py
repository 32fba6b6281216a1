"""MTCNN (Zhang et al. 2016) as facenet-pytorch runs it: the reference for `Mtcnn`, which has the same weights."""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.detectors.tiles import TILE, detect_in_tiles
from deepanon.errors import OptionError
from deepanon.files import named
from deepanon.geometry import Array
from deepanon.images import check_pixels

SMALLEST_INPUT = 40  # px; the package raises on pictures smaller than its first window


class MtcnnPackaged:
    """Finds faces with boxes, scores and five keypoints; takes two to five times as long as `Mtcnn`.

    Arguments and errors are those of `Mtcnn`.
    """

    name = "mtcnn_packaged"

    def __init__(
        self,
        min_face_size: int = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        device: torch.device | str = "cpu",
    ) -> None:
        smallest, thresholds = check_settings(min_face_size, thresholds)
        with warnings.catch_warnings():  # the package changes the process-wide filters on import
            from facenet_pytorch import MTCNN

        self.network = MTCNN(
            keep_all=True, min_face_size=smallest, thresholds=list(thresholds), device=torch.device(device)
        )
        self.description = f"MTCNN of facenet-pytorch, {settings(smallest, thresholds)}"

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture of any size."""
        check_pixels(image)
        return detect_in_tiles(self._detect, image)

    def _detect(self, image: Array) -> Detections:
        height, width = image.shape[:2]
        boxes, scores, points = self.network.detect(padded(image), landmarks=True)
        if boxes is None or boxes[0] is None:
            return Detections.empty(FIVE)
        boxes = np.asarray(boxes.tolist(), dtype=np.float32).reshape(-1, 4)  # arrives as dtype object
        points = np.asarray(points.tolist(), dtype=np.float32).reshape(-1, 5, 2)
        scores = np.clip(np.asarray(scores.tolist(), dtype=np.float32), 0, 1)
        real = geometry.inside(boxes, width, height)  # the box regression can shrink to nothing or leave the picture
        return Detections(boxes[real], scores[real], points[real], schema=FIVE)


def weight_files() -> list[Path]:
    """The three networks' weights, where the package keeps them."""
    found = importlib.util.find_spec("facenet_pytorch")
    assert found is not None
    assert found.origin is not None
    return sorted((Path(found.origin).parent / "data").glob("?net.pt"))


def check_settings(min_face_size: float, thresholds: Sequence[float]) -> tuple[int, tuple[float, float, float]]:
    """Smallest face in whole pixels, and three thresholds; `OptionError` where they make no sense."""
    if not (len(thresholds) == 3 and all(0 <= threshold <= 1 for threshold in thresholds)):
        raise OptionError(f"thresholds are three numbers in [0, 1], one for each network, got {thresholds!r}")
    if not 1 <= min_face_size < math.inf:
        raise OptionError(f"min_face_size must be at least 1 pixel, got {min_face_size!r}")
    first, second, third = thresholds
    return int(min_face_size), (first, second, third)


def settings(smallest: int, thresholds: Sequence[float]) -> str:
    """What both ways to run the networks say of themselves: weights, thresholds, sizes."""
    files = ", ".join(named(path) for path in weight_files())
    stages = " ".join(f"{threshold:g}" for threshold in thresholds)
    return f"{files}; thresholds {stages}; faces from {smallest:g} px; RGB, tiles above {TILE} px"


def padded(image: Array) -> Array:
    """The picture, or one that the networks' first window fits into: its last pixels go on at the right and below."""
    missing = [max(0, SMALLEST_INPUT - size) for size in image.shape[:2]]
    if not any(missing):
        return image
    return np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="edge")
