"""Pictures of which a part, or a reduced form, may be had for less than the whole."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from deepanon.geometry import Array


class Partly(Protocol):
    """A picture of which less than all may be had for less.

    Attributes:
        width: in pixels.
        height: likewise.
    """

    width: int
    height: int

    @property
    def pixels(self) -> Array:
        """(H, W, 3) uint8 RGB, all of it."""
        ...

    def resized(self, width: int, height: int) -> Array:
        """(height, width, 3) uint8 RGB, each pixel the mean of what it stands for."""
        ...

    def part(self, box: Array) -> Array:
        """(h, w, 3) uint8 RGB in a box in whole pixels, (4,) int64, that lies in the picture."""
        ...


class Whole:
    """A picture that is there as a whole.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """

    def __init__(self, pixels: Array) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def resized(self, width: int, height: int) -> Array:
        """See `Partly.resized`."""
        return np.asarray(cv2.resize(self.pixels, (width, height), interpolation=cv2.INTER_AREA))

    def part(self, box: Array) -> Array:
        """See `Partly.part`."""
        x0, y0, x1, y1 = box
        return self.pixels[y0:y1, x0:x1]
