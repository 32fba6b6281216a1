"""Are coordinates fractions of their crops? Judged by their median: pixels would train in silence and teach no pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deepanon.errors import DataError
from deepanon.geometry import Array

SAMPLE = 100_000  # rows that are looked at
USUAL = (0.1, 1.5)  # coordinates in a face crop have a median near a half


def odd_median(values: Array) -> float | None:
    """The median of coordinates (N, …) that cannot be fractions of face crops; None if they can. NaN = unknown."""
    sample = values[:: max(1, len(values) // SAMPLE)]
    known = sample[~np.isnan(sample)]
    middle = float(np.median(known)) if known.size else 0.5
    return None if USUAL[0] < middle < USUAL[1] else middle


def check_fractions(values: Array, path: Path, expected: str, one: float = 1) -> None:
    """Refuse coordinates that are in another unit.

    Args:
        values: (N, …) what should be fractions of the crop; NaN = unknown.
        path: where they come from.
        expected: what the file should hold, such as "keypoints must be fractions of the crop".
        one: what the file writes where `values` has 1.

    Raises:
        DataError: no crops with faces in them have such coordinates.
    """
    middle = odd_median(values)
    if middle is not None:
        raise DataError(f"{path}: {expected}, but half of them lie below {middle * one:.3g}")
