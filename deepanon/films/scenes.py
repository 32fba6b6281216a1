"""Where a scene ends and another begins."""

from __future__ import annotations

import cv2
import numpy as np

from deepanon.geometry import Array

SIZE = 32, 18  # cells that a picture is reduced to
BINS = 6  # a colour channel
COLOURS = 0.10  # share of the picture whose colours must have changed …
PLACES = 0.10  # … and the mean change of a cell, of the full range, for a cut
FLASH = 0.25  # seconds that a scene lasts at least


class CutFinder:
    """Tells whether a picture belongs to another scene than the one before it.

    Colours and places must both have changed: a pan or a face that comes near is no cut. To overlook one does no harm
    here, because faces are then only expected for longer; see `lasting` for cuts that are none.
    """

    def __init__(self) -> None:
        self._cells: Array | None = None
        self._colours: Array | None = None

    def __call__(self, pixels: Array) -> bool:
        """Take the next picture, (H, W, 3) uint8 RGB; True if a scene begins with it. The first one begins none."""
        small = cv2.resize(pixels, (4 * SIZE[0], 4 * SIZE[1]), interpolation=cv2.INTER_AREA)
        colours = np.histogramdd(small.reshape(-1, 3), bins=BINS, range=[(0, 256)] * 3)[0] / (small.size // 3)
        cells = cv2.resize(small, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        before = self._cells, self._colours
        self._cells, self._colours = cells, colours
        if before[0] is None or before[1] is None:
            return False
        changed = 1 - np.minimum(colours, before[1]).sum()
        return bool(changed > COLOURS and np.abs(cells - before[0]).mean() > PLACES)


def lasting(cuts: Array, times: Array) -> Array:
    """The cuts without those around a scene of less than `FLASH` seconds: a flash ends nothing.

    Args:
        cuts: (C,) int64 first frames of scenes, rising.
        times: (F,) seconds at which frames are shown.
    """
    starts = times[cuts]
    short = np.diff(starts) < FLASH
    flash = np.append(short, False) | np.insert(short, 0, False) if len(cuts) else np.zeros(0, dtype=bool)
    return np.asarray(cuts[~flash])
