"""Detection on pictures of any size in bounded memory: overlapping tiles, and the whole picture reduced."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from deepanon.detections import Detections
from deepanon.detectors.suppression import suppressed
from deepanon.geometry import Array, area

TILE = 3072  # px; for a tile of this side MTCNN takes a quarter of a GiB, YuNet nearly half of one
OVERLAP = 512  # px; a face up to this size lies whole in some tile, larger ones are found on the reduced picture


def detect_in_tiles(detect: Callable[[Array], Detections], image: Array) -> Detections:
    """Run `detect` on the picture, or, if a side exceeds `TILE`, on tiles and once on the whole picture reduced.

    Doubles (IoU above 0.5) are reduced to the largest. Part of a face that a tile's edge cuts may stay as a box of its
    own: too much is hidden then, never too little.
    """
    height, width = image.shape[:2]
    if max(height, width) <= TILE:
        return detect(image)
    parts = [
        _moved(detect(image[y : y + TILE, x : x + TILE]), 1, x, y) for y in _starts(height) for x in _starts(width)
    ]
    scale = TILE / max(height, width)
    small = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    parts.append(_moved(detect(small), 1 / scale, 0, 0))
    found = Detections.merge(parts)
    return found[suppressed(found.boxes, area(found.boxes), 0.5)]


def _starts(length: int) -> Iterator[int]:
    """Where tiles begin along one side; the last one ends at the border."""
    last = max(length - TILE, 0)
    yield from range(0, last, TILE - OVERLAP)
    yield last


def _moved(faces: Detections, scale: float, x: int, y: int) -> Detections:
    at = np.array([x, y], dtype=np.float32)
    points = None if faces.keypoints is None else faces.keypoints * scale + at
    return Detections(faces.boxes * scale + np.tile(at, 2), faces.scores, points, faces.labels, faces.schema)
