"""Where a scene ends and another begins."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import maximum_filter

from deepanon.geometry import Array
from deepanon.partly import Partly

SIZE = 32, 18  # cells that a picture is reduced to
CHANGE = 0.06  # mean change of a cell, of the full range, below which nothing is a cut …
AROUND = 4  # … frames before and after …
TIMES = 3.0  # … of which none may change a third as much
STILL = 0.01  # change of a still picture, by noise


class Change:
    """Measures how much each picture differs from the one before it."""

    def __init__(self) -> None:
        self._cells: Array | None = None

    def __call__(self, picture: Partly) -> float:
        """Take the next picture; mean change of a cell in [0, 1], 0 for the first picture."""
        small = picture.resized(4 * SIZE[0], 4 * SIZE[1])
        cells = cv2.resize(small, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        before, self._cells = self._cells, cells
        return 0.0 if before is None else float(np.abs(cells - before).mean())


def find_cuts(changes: Array) -> Array:
    """First frames of new scenes: where a picture changes much, and far more than the frames around it.

    Motion, however quick, lasts for some frames; a flash changes twice; neither is a cut. A cut that is overlooked
    does no harm here, because faces are then only expected for longer.

    Args:
        changes: (F,) of `Change`.

    Returns:
        (C,) int64, rising.
    """
    if not len(changes):
        return np.zeros(0, dtype=np.int64)
    others = np.ones(2 * AROUND + 1, dtype=bool)
    others[AROUND] = False
    around = maximum_filter(changes, footprint=others, mode="constant")
    return np.flatnonzero((changes > CHANGE) & (changes > TIMES * np.maximum(around, STILL)))
