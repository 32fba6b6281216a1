"""Resamples of people: one matrix of multiplicities that every measure of a run shares, so that all are paired."""

from __future__ import annotations

import numpy as np

from deepanon.errors import DataError
from deepanon.evaluation.bootstrap import resample
from deepanon.evaluation.identity.retrieval import ratio
from deepanon.geometry import Array


def draws(people: int, resamples: int = 1000, seed: int = 0) -> Array:
    """(1 + resamples, people) int64: row 0 all ones, the set itself; the others how often each person is drawn.

    What a person who is drawn k times means, everywhere in an audit (as in `evaluation.identity`):

    - a probe counts k times, k of the person on it;
    - a pair of a probe and its own person counts k times, not k²: two copies are never compared;
    - a pair of a probe and somebody else counts as often as both are drawn, the product;
    - for ranks the gallery stays as it is: a person drawn 0 times is still a wrong answer, and one drawn twice is still
      one, so that chance is 1/N in every resample.

    Raises:
        OptionError: a number out of range.
    """
    return np.concatenate([np.ones((1, people), dtype=np.int64), resample(people, resamples, seed)])


def check_counts(counts: Array, people: int) -> None:
    """`DataError` unless `counts` are (R, people) multiplicities whose first row are ones."""
    if counts.ndim != 2 or counts.shape[1] != people or not len(counts):
        raise DataError(f"counts must be of shape (R, {people}), got {counts.shape}")
    if (counts[0] != 1).any() or (counts < 0).any():
        raise DataError("the first row of counts must be ones, the set itself, and none may be negative; see draws()")


def by_person(values: Array, owner: Array, people: int) -> Array:
    """Sums over the probes of each person: (P,) -> (people,), or (P, C) -> (people, C); float64."""
    if values.ndim == 1:
        return np.bincount(owner, weights=values, minlength=people)
    member = np.zeros((people, len(owner)))
    member[owner, np.arange(len(owner))] = 1
    return np.asarray(member @ values)


def share(values: Array, owner: Array, counts: Array) -> Array:
    """Mean of (P,) or (P, C) `values` over probes -> (R,) or (R, C); NaN in a resample without any probe."""
    people = counts.shape[1]
    below = counts @ np.bincount(owner, minlength=people)
    above = counts @ by_person(values, owner, people)
    return ratio(above, below if values.ndim == 1 else below[:, None])
