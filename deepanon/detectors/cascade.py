"""Boosted LBP cascade (Liao et al. 2007) from scikit-image: weak, but independent of every neural detector here."""

from __future__ import annotations

import numpy as np

from deepanon.detections import Detections
from deepanon.errors import OptionError
from deepanon.files import named
from deepanon.geometry import Array
from deepanon.images import check_pixels


class Cascade:
    """Finds upright frontal faces; boxes only, every score is 1.

    Args:
        min_face_size: smallest face to look for in pixels, at least 24. Small windows bring many false alarms.
    """

    name = "cascade"

    def __init__(self, min_face_size: int = 60) -> None:
        if min_face_size < 24:
            raise OptionError(f"the cascade's window is 24 pixels; min_face_size must not be {min_face_size}")
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade as LbpCascade

        path = lbp_frontal_face_cascade_filename()
        self.network = LbpCascade(path)
        self.min_face_size = min_face_size
        self.description = (
            f"LBP cascade of scikit-image, {named(path)}; faces from {min_face_size} px; every score is 1: it cannot "
            "rank, so its average precision is one point"
        )

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture."""
        check_pixels(image)
        largest = min(image.shape[:2])
        if largest < self.min_face_size:
            return Detections.empty()
        low = (self.min_face_size, self.min_face_size)
        found = self.network.detect_multi_scale(image, 1.2, 1, low, (largest, largest))
        boxes = np.array([[f["c"], f["r"], f["c"] + f["width"], f["r"] + f["height"]] for f in found], np.float32)
        return Detections(boxes.reshape(-1, 4), np.ones(len(found), np.float32))
