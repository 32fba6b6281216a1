"""A share or mean with an interval over people: photos of one person are no independent tries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepanon.audit.measures.limits import zero_hits
from deepanon.evaluation.bootstrap import percentile_interval, ratios
from deepanon.geometry import Array

LEVEL = 0.975  # of each end of an interval of 95 %


@dataclass(frozen=True)
class Estimate:
    """One number.

    Attributes:
        value: what was measured.
        low: lower end of its 95 % interval, NaN without one.
        high: upper end.
        n: how many photos it rests on.
        note: what it is the largest of, if it is.
    """

    value: float
    low: float
    high: float
    n: int
    note: str = ""


def share(hits: Array, people: Array, counts: Array) -> Estimate:
    """Share of successes.

    Where nobody or everybody succeeds, resamples all say the same; the interval is then that of a binomial with one
    try a person (Clopper & Pearson 1934): 0 of 100 people is at most 3.6 %.

    Args:
        hits: (Q,) in [0, 1].
        people: (Q,) int64 from 0, who is in the photo.
        counts: (R, P) how often each person is drawn.
    """
    value, (low, high) = float(hits.mean()), percentile_interval(_means(hits, people, counts))
    edge = zero_hits(len(np.unique(people)), LEVEL)
    low, high = (0.0, edge) if value == 0 else (1 - edge, 1.0) if value == 1 else (low, high)
    return Estimate(value, low, high, len(hits))


def mean(values: Array, people: Array, counts: Array) -> Estimate:
    """Mean over photos; the arguments are those of `share`, but for the range."""
    if not np.isfinite(values).all():  # PSNR of equal pictures
        return Estimate(float(values.mean()), math.nan, math.nan, len(values))
    return Estimate(float(values.mean()), *percentile_interval(_means(values, people, counts)), len(values))


def largest(names: Sequence[str], hits: Sequence[Array], people: Array, counts: Array) -> Estimate:
    """The largest of several shares of the same photos; the interval is of the maximum, not of the one that won."""
    shares = [float(some.mean()) for some in hits]
    maxima = np.max([_means(some, people, counts) for some in hits], axis=0)
    best = int(np.argmax(shares))
    own = share(hits[best], people, counts)
    low, high = (own.low, own.high) if shares[best] in (0, 1) else percentile_interval(maxima)
    return Estimate(shares[best], low, high, own.n, names[best])


def area(positives: Array, negatives: Array, people: Array, counts: Array) -> Estimate:
    """Area under the ROC curve: how often a positive scores above a negative, ties half.

    Args:
        positives: (Q,) scores.
        negatives: (Q,), of the same photos before.
        people: (Q,) int64 from 0.
        counts: (R, P).
    """
    above = (positives[:, None] > negatives[None, :]) + 0.5 * (positives[:, None] == negatives[None, :])
    member = np.eye(counts.shape[1])[people]  # Q,P
    wins, pairs = member.T @ above @ member, member.T @ np.ones_like(above) @ member
    drawn = [np.einsum("rp,pq,rq->r", counts, table, counts) for table in (wins, pairs)]
    return Estimate(float(above.mean()), *percentile_interval(ratios(*drawn)), len(positives))


def _means(values: Array, people: Array, counts: Array) -> Array:
    """(R,) means of the resamples."""
    sums, sizes = (np.bincount(people, w, counts.shape[1]) for w in (values, np.ones(len(values))))
    return ratios(counts @ sums, counts @ sizes)
