"""Thresholds and curves over scored pairs, for many weightings at once: a bootstrap resample is a weighting.

Everywhere: `alike` is (M,), `same` is (M,) bool, `weights` is (R, M) of 0 or more, and a pair is accepted as one person
if its similarity is *greater* than the threshold.
"""

from __future__ import annotations

import numpy as np

from deepanon.evaluation.identity.retrieval import ratio
from deepanon.geometry import Array


def far_threshold(alike: Array, weights: Array, far: float, total: Array | None = None) -> Array:
    """The least threshold that accepts at most the share `far` of impostor pairs -> (R,).

    Args:
        alike: of impostor pairs: the most alike ones are enough.
        weights: of these.
        far: false accept rate.
        total: (R,) weight of all impostor pairs, if `alike` holds not all of them.
    """
    order = np.argsort(-alike, kind="stable")
    ranked = alike[order]
    above = np.cumsum(weights[:, order], axis=1)
    allowed = far * (above[:, -1] if total is None else total)
    # an allowance that is a whole number in theory must not fall short of it by rounding
    over = above > allowed[:, None] * (1 + 1e-9)
    first = np.where(over.any(axis=1), over.argmax(axis=1), len(ranked) - 1)
    return np.asarray(ranked[first], dtype=np.float64)


def least_error_threshold(alike: Array, same: Array, weights: Array) -> Array:
    """The threshold with the fewest wrong decisions, each kind of pair weighing one half in all -> (R,).

    In a list with as many pairs of one person as of two, that is the plain share of wrong decisions. The threshold lies
    half way between two similarities; of equally good ones it is the strictest.
    """
    order = np.argsort(-alike, kind="stable")
    ranked = alike[order]
    added = np.zeros(weights.shape)  # errors that accepting one pair more adds
    for kind, sign in ((same, -1), (~same, 1)):
        added[:, kind] = sign * ratio(weights[:, kind], weights[:, kind].sum(axis=1, keepdims=True))
    errors = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(added[:, order], axis=1)], axis=1)
    edges = np.concatenate([[ranked[0] + 1], ranked, [ranked[-1] - 1]])
    errors[:, edges[:-1] == edges[1:]] = np.inf  # no threshold lies between equals
    best = errors.argmin(axis=1)
    return (edges[best] + edges[best + 1]) / 2


def curve(alike: Array, same: Array, weights: Array) -> tuple[Array, Array]:
    """The ROC curve from (0, 0) to (1, 1): false and true accept rates, both (R, T), T = distinct similarities + 1."""
    order = np.argsort(-alike, kind="stable")
    ranked = alike[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    rates = []
    for kind in (~same, same):
        accepted = np.cumsum(weights[:, order] * kind[order], axis=1)[:, ends]
        accepted = np.concatenate([np.zeros((len(weights), 1)), accepted], axis=1)
        rates.append(ratio(accepted, accepted[:, -1:]))
    return rates[0], rates[1]


def area(far: Array, tar: Array) -> Array:
    """Area under curves (R, T) -> (R,): the probability that a genuine pair is more alike than an impostor pair."""
    return np.asarray((np.diff(far, axis=1) * (tar[:, 1:] + tar[:, :-1]) / 2).sum(axis=1))


def equal_error(far: Array, tar: Array) -> Array:
    """Where curves (R, T) have as many false accepts as false rejects, in straight lines between points -> (R,)."""
    gap = far - (1 - tar)  # from -1 to 1, never falling
    after = np.clip((gap >= 0).argmax(axis=1), 1, None)
    rows = np.arange(len(far))
    low, high = gap[rows, after - 1], gap[rows, after]
    step = ratio(-low, high - low)
    return np.asarray(far[rows, after - 1] + step * (far[rows, after] - far[rows, after - 1]))
