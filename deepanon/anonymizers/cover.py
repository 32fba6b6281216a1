"""Methods that fill the box from what lies around it: the adapter from a plain picture function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from deepanon.anonymizers.boxes import closed, opened
from deepanon.crops import GREY, Crops
from deepanon.geometry import Array

RING = 0.15  # of the shorter side of the box: how wide a ring around it speaks for its surroundings
NARROWEST = 2  # px, of that ring


class Hole(NamedTuple):
    """What a box is filled from: never a pixel of the box itself.

    Attributes:
        height: of the box in pixels.
        width: of the box in pixels.
        around: (K, 3) uint8 the pixels of a ring around the box that lie under no box; at least one.
        rng: what chance decides.
    """

    height: int
    width: int
    around: Array
    rng: np.random.Generator


class Cover:
    """Fills every box; it is given crops in which no face and no plate exists.

    Args:
        name: of the method.
        function: `Hole` -> (h, w, 3) uint8.
        about: what it does, in a few words.
        random: whether the function draws random numbers.
    """

    size: int | None = None  # native pixels
    cosmetic = False
    sees_face = False

    def __init__(self, name: str, function: Callable[[Hole], Array], about: str, random: bool = False) -> None:
        self.name, self.function, self.random = name, function, random
        self.description = f"{about}, on the box at native size"

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return the crops with their own box filled; (N, 3, S, S) float in [-1, 1]."""
        images, boxes = opened(crops)
        known = crops.mask[:, 0].numpy() == 0
        for image, free, box, seed in zip(images, known, boxes, seeds, strict=True):
            x0, y0, x1, y1 = box
            around = _around(image, free, box)
            image[y0:y1, x0:x1] = self.function(Hole(y1 - y0, x1 - x0, around, np.random.default_rng(seed)))
        return closed(images, crops)


def _around(image: Array, free: Array, box: Array) -> Array:
    """(K, 3) uint8: free pixels in the ring, else in the whole crop, else the grey of what is blank."""
    x0, y0, x1, y1 = box
    ring = max(NARROWEST, round(RING * min(x1 - x0, y1 - y0)))
    window = np.s_[max(y0 - ring, 0) : y1 + ring, max(x0 - ring, 0) : x1 + ring]
    near = image[window][free[window]]
    near = near if len(near) else image[free]
    return np.asarray(near if len(near) else np.full((1, 3), GREY, dtype=np.uint8))
