"""Means over faces with intervals over photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepanon.evaluation.bootstrap import percentile_interval, resample
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

FEW, FEW_PHOTOS = 30, 10  # faces and photos, below which a note warns


@dataclass(frozen=True, eq=False)
class Mean:
    """A mean over faces, in the mean of all seeds.

    Attributes:
        value: NaN if no face counts with any seed.
        low: lower end of the 95 % interval.
        high: upper end.
        seeds: of each seed, NaN where no face counts.
        counts: faces that count, of each seed.
        photos: with such faces, of any seed.
    """

    value: float
    low: float
    high: float
    seeds: tuple[float, ...]
    counts: tuple[int, ...]
    photos: int


class PhotoMeans:
    """Takes means over the faces of photos, all on the same resamples of photos, so that methods compare in pairs.

    Args:
        photo_of: (F,) int, the photo of every face.
        photos: how many there are.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    def __init__(self, photo_of: Array, photos: int, resamples: int = 1000, seed: int = 0) -> None:
        self.photo_of, self.photos = photo_of, photos
        self.counts = resample(photos, resamples, seed).astype(np.float64)

    def __call__(self, values: Sequence[Array], chosen: Array) -> Mean:
        """Mean of the values that are no NaN.

        Args:
            values: (F,) of each seed.
            chosen: (F,) bool, which faces are meant.
        """
        table = np.stack(values)  # S,F
        known = np.isfinite(table) & chosen
        sums = np.stack([self._per_photo(np.where(row, one, 0.0)) for one, row in zip(table, known, strict=True)], 1)
        numbers = np.stack([self._per_photo(row.astype(np.float64)) for row in known], 1)  # photos,S
        seeds = _ratio(sums.sum(axis=0), numbers.sum(axis=0))
        resampled = _mean(_ratio(self.counts @ sums, self.counts @ numbers))
        low, high = percentile_interval(resampled)
        counts = tuple(known.sum(axis=1).tolist())
        photos = int((numbers.sum(axis=1) > 0).sum())
        return Mean(float(_mean(seeds[None])[0]), low, high, tuple(seeds.tolist()), counts, photos)

    def _per_photo(self, values: Array) -> Array:
        return np.bincount(self.photo_of, weights=values, minlength=self.photos)


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def _mean(seeds: Array) -> Array:
    """(R, S) -> (R,) mean of what is no NaN; NaN where nothing is left."""
    known = np.isfinite(seeds)
    return _ratio(np.where(known, seeds, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64))


def to_value(blank: Value, mean: Mean, note: str) -> Value:
    """`blank` with the mean filled in; its `n` is the mean number of faces that count, over seeds."""
    count = round(float(np.mean(mean.counts)))
    few = f"; few faces ({count})" if 0 < count < FEW else ""
    if 0 < mean.photos < FEW_PHOTOS:
        few += f"; all in {mean.photos} photos, the interval says little"
    several = mean.seeds if len(mean.seeds) > 1 else ()
    return replace(blank, value=mean.value, low=mean.low, high=mean.high, n=count, seeds=several, note=note + few)
