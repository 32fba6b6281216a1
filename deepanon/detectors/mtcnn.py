"""MTCNN (Zhang et al. 2016) through facenet-pytorch, whose wheel carries the weights."""

from __future__ import annotations

import warnings

import numpy as np
import torch

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.detectors.tiles import detect_in_tiles
from deepanon.geometry import Array
from deepanon.images import check_pixels

SMALLEST_INPUT = 40  # px; the package raises on pictures smaller than its first window


class Mtcnn:
    """Finds faces with boxes, scores and five keypoints.

    Args:
        min_face_size: smallest face to look for in pixels; the time grows with its inverse square.
        thresholds: score thresholds of the three stages, each in [0, 1].
        device: where the networks run.
    """

    name = "mtcnn"

    def __init__(
        self,
        min_face_size: int = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        device: torch.device | str = "cpu",
    ) -> None:
        with warnings.catch_warnings():  # the package changes the process-wide filters on import
            from facenet_pytorch import MTCNN

        self.network = MTCNN(
            keep_all=True, min_face_size=int(min_face_size), thresholds=list(thresholds), device=torch.device(device)
        )

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture of any size."""
        check_pixels(image)
        return detect_in_tiles(self._detect, image)

    def _detect(self, image: Array) -> Detections:
        height, width = image.shape[:2]
        boxes, scores, points = self.network.detect(_padded(image), landmarks=True)
        if boxes is None or boxes[0] is None:
            return Detections.empty(FIVE)
        boxes = np.asarray(boxes.tolist(), dtype=np.float32).reshape(-1, 4)  # arrives as dtype object
        points = np.asarray(points.tolist(), dtype=np.float32).reshape(-1, 5, 2)
        scores = np.clip(np.asarray(scores.tolist(), dtype=np.float32), 0, 1)
        real = geometry.inside(boxes, width, height)  # the box regression can shrink to nothing or leave the picture
        return Detections(boxes[real], scores[real], points[real], schema=FIVE)


def _padded(image: Array) -> Array:
    missing = [max(0, SMALLEST_INPUT - size) for size in image.shape[:2]]
    if not any(missing):
        return image
    return np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="edge")
