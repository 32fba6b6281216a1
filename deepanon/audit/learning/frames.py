"""What networks of attackers look at: the aligned face, and the box frame with what lies around the box."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.windows import windows
from deepanon.embedders.cuts import TEMPLATES
from deepanon.geometry import Array

REACH = 1.35  # how much more an aligned view shows than recognisers see: hair and outline, which outlive the face


def aligned(samples: Samples, side: int, reach: float = REACH) -> Array:
    """(N, side, side, 3) uint8: eyes, nose and mouth where ArcFace's template has them, seen `reach` times as wide.

    Keypoints are those of the untouched photo. What is not in the sample repeats its edge: black would show where the
    edge is, and so what shape the box has. Made twice as large first and reduced by area, so that nothing aliases.
    """
    made = np.empty((len(samples), side, side, 3), dtype=np.uint8)
    points = 2 * template(side, reach) + 0.5
    for row, picture in enumerate(samples.pictures):
        matrix = geometry.similarity(samples.keypoints[row], points)
        if not np.isfinite(matrix).all():  # keypoints on one spot
            matrix = np.array([[2 * side / samples.size, 0, 0], [0, 2 * side / samples.size, 0]])
        large = cv2.warpAffine(picture, matrix, (2 * side, 2 * side), borderMode=cv2.BORDER_REPLICATE)
        made[row] = cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)
    return made


def template(side: int, reach: float = REACH) -> Array:
    """(5, 2) where the keypoints of an aligned view lie, in pixels, 0 = the middle of the first."""
    own, points = TEMPLATES["arcface"]
    return ((np.array(points) + 0.5) / own - 0.5) / reach * side + side / 2 - 0.5


def surrounded(samples: Samples, side: int, around: int) -> Array:
    """(N, S, S, 3) uint8, S = side + 2 around: the box, pixel for pixel as `windows` has it, within its surroundings.

    The box lies at [around, around + side) of every picture; what is not in the sample repeats its edge.
    """
    whole = side + 2 * around
    made = np.empty((len(samples), whole, whole, 3), dtype=np.uint8)
    for row, picture in enumerate(samples.pictures):
        matrix = _to_frame(samples.boxes[row], 2 * side, 2 * around)
        large = cv2.warpAffine(picture, matrix, (2 * whole, 2 * whole), borderMode=cv2.BORDER_REPLICATE)
        made[row] = cv2.resize(large, (whole, whole), interpolation=cv2.INTER_AREA)
    made[:, around : around + side, around : around + side] = windows(samples, side)
    return made


def looking_through(samples: Samples, side: int, around: int, view: int, points: Array) -> Tensor:
    """(N, 2, 3) float32 for `F.affine_grid`: how aligned views are taken from `surrounded` frames, with gradients.

    Args:
        samples: N faces.
        side: of the box in the frame.
        around: pixels of the frame on each side of it.
        view: side of the aligned view.
        points: (5, 2) where the keypoints lie in the view: `template`, or that of a recogniser's cut.
    """
    made, whole = np.empty((len(samples), 2, 3)), side + 2 * around
    for row, keypoints in enumerate(samples.keypoints):
        frame = _to_frame(samples.boxes[row], side, around)
        back = geometry.similarity(points, keypoints)  # view -> sample: the frame is stretched, the view is not
        if not np.isfinite(back).all():
            back = np.array([[samples.size / view, 0, 0], [0, samples.size / view, 0]])
        linear = frame[:, :2] @ back[:, :2] * (view / whole)
        centre = back[:, :2] @ np.full(2, (view - 1) / 2) + back[:, 2]
        middle = frame[:, :2] @ centre + frame[:, 2]
        made[row] = np.concatenate([linear, ((2 * middle + 1) / whole - 1)[:, None]], axis=1)
    return torch.from_numpy(made).float()


def tensor(pictures: Array) -> Tensor:
    """(N, S, S, 3) uint8 -> (N, 3, S, S) uint8 of its own memory."""
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def _to_frame(box: Array, side: int, around: int) -> Array:
    """(2, 3) matrix from pixels of the sample to those of the frame, both counted from the middle of the first."""
    x0, y0, x1, y1 = (float(edge) for edge in np.rint(box))
    across, down = side / max(x1 - x0, 1.0), side / max(y1 - y0, 1.0)
    return np.array([[across, 0, (0.5 - x0) * across + around - 0.5], [0, down, (0.5 - y0) * down + around - 0.5]])
