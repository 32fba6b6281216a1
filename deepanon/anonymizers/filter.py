"""Methods that change the tight face box at native size: the adapter from a plain picture function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from deepanon.anonymizers.boxes import own_boxes
from deepanon.crops import Crops
from deepanon.geometry import Array
from deepanon.images import to_float, to_uint8

FaceFunction = Callable[[Array, np.random.Generator], Array]


class FaceFilter:
    """Applies a function to the pixels of every face box.

    Args:
        name: of the method.
        function: (h, w, 3) uint8 face and a random generator -> (h, w, 3) uint8.
        about: what it does, in a few words.
        sees_face: False hands the function grey instead of the face.
        random: whether the function draws random numbers.
        leaves: whether the function leaves some of the pixels as they are.
    """

    size: int | None = None  # native pixels
    cosmetic = False

    def __init__(
        self,
        name: str,
        function: FaceFunction,
        about: str,
        sees_face: bool = True,
        random: bool = False,
        leaves: bool = False,
    ) -> None:
        self.name, self.function, self.sees_face, self.random = name, function, sees_face, random
        self.leaves = leaves
        self.description = f"{about}, on the box at native size"

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return the crops with their own face box changed; (N, 3, S, S) float in [-1, 1]."""
        pixels = crops.context.clone()
        for image, (x0, y0, x1, y1), seed in zip(pixels, own_boxes(crops), seeds, strict=True):
            part = image[None, :, y0:y1, x0:x1]
            face = np.ascontiguousarray(to_uint8(part)[0])
            part[:] = to_float(self.function(face, np.random.default_rng(seed))[None])
        return pixels
