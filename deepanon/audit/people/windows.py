"""The box frame: what lies in the face's box, stretched to a square; the frame that methods on the box work in.

Whoever rebuilds faces works here: the box can be seen in every anonymized picture, and cells, blocks and blurs lie
still in it, whatever the size of the face and wherever its eyes are.
"""

from __future__ import annotations

import cv2
import numpy as np

from deepanon import geometry
from deepanon.audit.people.samples import Samples
from deepanon.geometry import Array


def windows(samples: Samples, side: int) -> Array:
    """(N, side, side, 3) uint8 the box of every sample, by area where it shrinks and linearly where it grows."""
    made = np.empty((len(samples), side, side, 3), dtype=np.uint8)
    for row, (x0, y0, x1, y1) in enumerate(_boxes(samples)):
        face = samples.pictures[row, y0:y1, x0:x1]
        sampling = cv2.INTER_AREA if side < min(face.shape[:2]) else cv2.INTER_LINEAR
        made[row] = cv2.resize(face, (side, side), interpolation=sampling)
    return made


def with_windows(samples: Samples, faces: Array) -> Samples:
    """The samples with other pixels in their boxes: (N, s, s, 3) uint8, or floats in [0, 255], stretched to the box."""
    pictures = samples.pictures.copy()
    levels = faces if faces.dtype == np.uint8 else np.rint(np.clip(faces, 0, 255)).astype(np.uint8)
    for row, (x0, y0, x1, y1) in enumerate(_boxes(samples)):
        pictures[row, y0:y1, x0:x1] = cv2.resize(levels[row], (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    return samples.showing(pictures)


def masks(samples: Samples) -> Array:
    """(N, S, S) bool, True in every pixel that the box touches."""
    made = np.zeros((len(samples), samples.size, samples.size), dtype=bool)
    for row, (x0, y0, x1, y1) in enumerate(_boxes(samples)):
        made[row, y0:y1, x0:x1] = True
    return made


def _boxes(samples: Samples) -> Array:
    """(N, 4) int64 whole pixels, 1 wide at least."""
    boxes = geometry.clip(geometry.outward(_settled(samples.boxes)), samples.size, samples.size)
    boxes[:, :2] = np.minimum(boxes[:, :2], samples.size - 1)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes


def _settled(boxes: Array) -> Array:
    """Without the float32 noise of scaling, so that a whole-pixel edge stays one."""
    return np.where(np.abs(boxes - np.rint(boxes)) < 1e-2, np.rint(boxes), boxes)
