"""The interval of a kernel distance, by the jackknife."""

from __future__ import annotations

import numpy as np

from deepanon.distance import BLOCK, checked
from deepanon.errors import DataError
from deepanon.geometry import Array

NORMAL = 1.959964  # 97.5 % of the standard normal distribution lie below


def kernel_interval(real: Array, drawn: Array) -> tuple[float, float, float]:
    """`distance.kernel_distance` of two sets of which row i is one crop, with the 95 % interval of its jackknife.

    A crop is left out on both sides at once, for its real and its drawn picture share their surroundings (Arvesen 1969:
    the jackknife of a U-statistic). The bootstrap would draw a crop twice, and two equal pictures look like nearness.
    Near 0 the statistic is not normal and the interval only rough.

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
    within = [_rows(x, x) - _own(x, x) for x in (real, drawn)]  # each (N,): kernel with all others of the set
    across, back, own = _rows(real, drawn), _rows(drawn, real), _own(real, drawn)

    def distance(inside: Array, between: Array, count: int) -> Array:
        return inside / (count * (count - 1)) - 2 * between / count**2

    inside, between = sum(rows.sum() for rows in within), across.sum()
    value = float(distance(inside, between, n))
    left_out = distance(inside - 2 * (within[0] + within[1]), between - across - back + own, n - 1)
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    return value, value - NORMAL * error, value + NORMAL * error


def _rows(a: Array, b: Array) -> Array:
    """(N,) sum of every vector's kernel with all of `b`."""
    blocks = (a[start : start + BLOCK] @ b.T for start in range(0, len(a), BLOCK))
    return np.concatenate([((block / a.shape[1] + 1) ** 3).sum(axis=1) for block in blocks])


def _own(a: Array, b: Array) -> Array:
    """(N,) kernel of row i with row i."""
    return np.asarray(((a * b).sum(axis=1) / a.shape[1] + 1) ** 3)
