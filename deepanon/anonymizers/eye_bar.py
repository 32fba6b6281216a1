"""The newspaper's black bar: over the eyes, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from deepanon.anonymizers.boxes import closed, opened
from deepanon.checks import check_range
from deepanon.crops import Crops
from deepanon.geometry import Array

HEIGHT = 0.25  # of the larger side of the box
EYES = ("left eye", "right eye")


class EyeBar:
    """Blacks out a strip of the box along the line through both eyes, from edge to edge.

    Weak: everything but the eyes stays. It is here because it is used, and so that an audit can say what it is worth.
    A face whose eyes are not known, or do not lie in its box, is blacked out wholly.

    Args:
        height: of the strip, as a share of the box's larger side.

    Raises:
        OptionError: `height` is not in [0.01, 2].
    """

    name = "eye_bar"
    size: int | None = None  # native pixels
    sees_face = True
    random = False
    cosmetic = False
    leaves = True

    def __init__(self, height: float = HEIGHT) -> None:
        self.height = check_range("height", height, 0.01, 2)
        self.description = (
            f"black strip through both eyes, {100 * height:g} % of the box's larger side in height; the whole box "
            "where the eyes are unknown"
        )

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return the crops with the strip in their own box; (N, 3, S, S) float in [-1, 1]."""
        images, boxes = opened(crops)
        eyes = _eyes(crops)
        for image, box, pair in zip(images, boxes, eyes, strict=True):
            x0, y0, x1, y1 = box
            image[y0:y1, x0:x1][self._strip(box, pair)] = 0
        return closed(images, crops)

    def _strip(self, box: Array, eyes: Array) -> Array:
        """(h, w) bool: what is black of a box (4,) whose eyes (2, 2) lie there, all in pixels."""
        x0, y0, x1, y1 = box
        known = np.isfinite(eyes).all() and (eyes >= [x0, y0]).all() and (eyes <= [x1, y1]).all()
        if not known:
            return np.ones((y1 - y0, x1 - x0), dtype=bool)
        across = eyes[1] - eyes[0]
        length = float(np.hypot(*across))
        along = across / length if length > 0 else np.array([1.0, 0.0])
        middle = eyes.mean(axis=0)
        x, y = np.arange(x0, x1) + 0.5 - middle[0], np.arange(y0, y1) + 0.5 - middle[1]
        away = np.abs(y[:, None] * along[0] - x[None, :] * along[1])
        return np.asarray(away <= self.height * max(x1 - x0, y1 - y0) / 2)


def _eyes(crops: Crops) -> Array:
    """(N, 2, 2) float64 pixels; NaN where the keypoints do not say."""
    if not set(EYES) <= set(crops.schema.points):
        return np.full((len(crops), len(EYES), 2), np.nan)
    rows = [crops.schema.points.index(eye) for eye in EYES]
    return np.asarray(crops.keypoints[:, rows].numpy().astype(np.float64) * crops.size)
