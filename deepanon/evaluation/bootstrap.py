"""Confidence intervals by the paired bootstrap over pictures (Efron & Tibshirani 1993, chapter 13)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepanon.errors import OptionError
from deepanon.geometry import Array

UNDEFINED = 0.05  # share of resamples without a value from which on there is no interval


def resample(n: int, resamples: int, seed: int) -> Array:
    """(R, n) int64: how often each of `n` pictures is drawn when `n` are drawn with replacement, `resamples` times.

    Raises:
        OptionError: `n` or `resamples` is not a number from 1, or `seed` not one from 0.
    """
    for name, value, least in (("n", n, 1), ("resamples", resamples, 1), ("seed", seed, 0)):
        if not isinstance(value, int) or value < least:
            raise OptionError(f"{name} must be a whole number from {least}, got {value!r}")
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)


def percentile_interval(values: Array, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of (R,) bootstrap values.

    Values that are NaN (no face in a resample, say) are left out; if they are more than one in twenty there is no
    interval, NaN and NaN: the rest is no sample any more.

    Raises:
        OptionError: `level` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise OptionError(f"level must lie between 0 and 1, got {level}")
    defined = np.isfinite(values)
    if not len(values) or defined.mean() < 1 - UNDEFINED:
        return float("nan"), float("nan")
    values = values[defined]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def ratio_interval(
    above: Callable[[Array], Array], below: Callable[[Array], Array], counts: Array, level: float = 0.95
) -> tuple[float, float]:
    """Interval of a ratio of two statistics of the same pictures.

    Paired: both are computed on the same resample, so what makes a picture easy or hard for both cancels out.

    Args:
        above: (R, n) counts -> (R,) values of the numerator.
        below: the same for the denominator; resamples in which it is 0 are left out.
        counts: (R, n) from `resample`.
        level: of confidence.
    """
    return percentile_interval(ratios(above(counts), below(counts)), level)


def ratios(above: Array, below: Array) -> Array:
    """(R,) / (R,) -> (R,) float64, NaN where the denominator is not positive."""
    result = np.full(len(above), np.nan)
    return np.divide(above, below, out=result, where=below > 0)
