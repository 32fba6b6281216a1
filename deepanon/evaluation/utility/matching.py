"""Which detection is which annotated face."""

from __future__ import annotations

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections
from deepanon.geometry import Array

IOU = 0.5


def find(boxes: Array, found: Detections, threshold: float = 0.0, iou: float = IOU) -> Array:
    """Pair annotated faces with detections, best overlap first, one to one.

    Args:
        boxes: (N, 4) all annotated faces of a picture, the ignored ones too, so that their detections are lent to no
            neighbour.
        found: the detections.
        threshold: lowest score that counts.
        iou: smallest overlap of a pair, in (0, 1].

    Returns:
        (N,) int64 row of `found`, -1 where a face was not found.
    """
    rows = np.full(len(boxes), -1, dtype=np.int64)
    overlap = geometry.iou(boxes, found.boxes)
    overlap[:, found.scores < threshold] = 0
    while overlap.size and overlap.max() >= iou:
        face, detection = np.unravel_index(overlap.argmax(), overlap.shape)
        rows[face] = detection
        overlap[face, :] = overlap[:, detection] = 0
    return rows
