"""The kernel distance of real and replaced faces of the same crops, with its interval."""

from __future__ import annotations

import numpy as np

from deepanon.distance import BLOCK, checked
from deepanon.errors import DataError
from deepanon.geometry import Array

NORMAL = 1.959964  # 97.5 % of the standard normal distribution lie below


def kernel_interval(real: Array, drawn: Array) -> tuple[float, float, float]:
    """Unbiased squared maximum mean discrepancy of paired sets, kernel (x.y / D + 1)^3, with its 95 % interval.

    As `distance.kernel_distance`, but no drawn face is held against its own original: the two share their surroundings,
    which would pull the distance below 0 (the U-statistic of Gretton et al. 2012, equation 4; equal sets are at 0).

    The interval is the jackknife's (Arvesen 1969): a crop is left out on both sides at once. The bootstrap would draw a
    crop twice, and two equal pictures look like nearness. Near 0 the statistic is not normal and the interval is rough.

    Args:
        real: (N, D) features, N >= 3.
        drawn: (N, D) features of the same crops.

    Returns:
        Distance, lower and upper end.

    Raises:
        DataError: fewer than three crops, not finite, or shapes that differ.
    """
    real, drawn = checked(real), checked(drawn)
    if real.shape != drawn.shape:
        raise DataError(f"features of the same crops must have one shape, got {real.shape} and {drawn.shape}")
    n = len(real)
    if n < 3:
        raise DataError(f"the interval of a kernel distance needs at least 3 crops, got {n}")
    crops = _others(real, real) + _others(drawn, drawn) - _others(real, drawn) - _others(drawn, real)  # N
    left_out = (crops.sum() - 2 * crops) / ((n - 1) * (n - 2))
    value = float(crops.sum() / (n * (n - 1)))
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))
    return value, value - NORMAL * error, value + NORMAL * error


def _others(a: Array, b: Array) -> Array:
    """(N,) sum of each vector's kernel with all of `b` but its own row."""
    blocks = (a[start : start + BLOCK] @ b.T for start in range(0, len(a), BLOCK))
    rows = np.concatenate([((block / a.shape[1] + 1) ** 3).sum(axis=1) for block in blocks])
    return np.asarray(rows - ((a * b).sum(axis=1) / a.shape[1] + 1) ** 3)
