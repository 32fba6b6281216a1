"""Methods computed inside the 128 px crop, as in DeepPrivacy's scripts of June 2019: variant B of its baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from torch import Tensor

from deepanon import geometry
from deepanon.anonymizers.boxes import closed, opened
from deepanon.crops import Crops
from deepanon.geometry import Array

SIDE = 128  # px of the crop in the scripts, the generator's resolution


class CropFilter:
    """Applies a function to the face box inside the crop at 128 px; the result is scaled back and pasted.

    The crop is scaled with area resampling and back with bilinear, as in the scripts, so the faces of a sharp photo
    lose resolution besides. Three things differ from them: only the face box goes back to the picture (they put the
    whole crop back, background too); the box is rounded outward, not toward zero (no rim of the face stays); and a crop
    may reach outside the picture (they leave such a face as it is).

    Args:
        name: of the method.
        function: (h, w, 3) uint8 face at 128 px -> (h, w, 3) uint8.
        about: what it does, in a few words.
    """

    size: int | None = None  # native pixels: what is outside the box is never resampled
    cosmetic = False
    sees_face = True
    random = False

    def __init__(self, name: str, function: Callable[[Array], Array], about: str) -> None:
        self.name, self.function = name, function
        self.description = f"{about}, in the crop at {SIDE} px (DeepPrivacy's scripts of June 2019)"

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return the crops with their own face box changed; (N, 3, S, S) float in [-1, 1]."""
        images, boxes = opened(crops)
        for image, box in zip(images, boxes, strict=True):
            x0, y0, x1, y1 = box
            image[y0:y1, x0:x1] = self._changed(image, box)[y0:y1, x0:x1]
        return closed(images, crops)

    def _changed(self, image: Array, box: Array) -> Array:
        """(S, S, 3) uint8 crop -> the same through 128 px, with the function applied to the box."""
        small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        x0, y0, x1, y1 = geometry.clip(geometry.outward(box * (SIDE / len(image))), SIDE, SIDE)
        small[y0:y1, x0:x1] = self.function(np.ascontiguousarray(small[y0:y1, x0:x1]))
        return np.asarray(cv2.resize(small, (len(image), len(image)), interpolation=cv2.INTER_LINEAR))
