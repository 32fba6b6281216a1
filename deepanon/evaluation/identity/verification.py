"""Verification: do two photos show one person? Thresholds come from pairs of real photos, never of anonymized ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepanon.data.pairs import Pairs
from deepanon.evaluation.identity.retrieval import check_failed, ratio
from deepanon.evaluation.identity.roc import area, curve, equal_error, far_threshold
from deepanon.geometry import Array

Rule = Callable[[Array, Array, Array], Array]  # (M,) similarities, (M,) same, (R, M) weights -> (R,) thresholds


@dataclass(frozen=True, eq=False)
class Scored:
    """Pairs of photos with their similarity.

    Attributes:
        alike: (P,) cosine; NaN where no face was found in the second photo.
        same: (P,) bool, one person.
        fold: (P,) int64.
        weights: (R, P), how often each pair is drawn: row 0 are ones, the set itself.
    """

    alike: Array
    same: Array
    fold: Array
    weights: Array

    @classmethod
    def of(cls, first: Array, second: Array, pairs: Pairs, weights: Array) -> Scored:
        """Cosines of pairs between two sets of vectors of the same photos.

        Args:
            first: (N, D) unit vectors.
            second: (N, D), NaN rows where no face was found.
            pairs: of these photos.
            weights: (R, P) from `pair_weights`.
        """
        return cls(np.einsum("pd,pd->p", first[pairs.first], second[pairs.second]), pairs.same, pairs.fold, weights)

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return int(self.fold.max()) + 1 if len(self.fold) else 0

    def count(self, failed: str, kind: Array | None = None) -> int:
        """How many pairs count, of all or of a (P,) bool `kind`."""
        counted = np.ones(len(self.same), dtype=bool) if kind is None else kind
        return int((counted & ~np.isnan(self.alike)).sum() if check_failed(failed) == "skip" else counted.sum())


def pooled(scored: Scored) -> Scored:
    """The same pairs in one fold."""
    return Scored(scored.alike, scored.same, np.zeros_like(scored.fold), scored.weights)


def pair_weights(pairs: Pairs, people: Array, counts: Array) -> Array:
    """How often each pair is drawn when people are: one of two people as often as both together, the product.

    Args:
        pairs: of N photos.
        people: (N,) int64, who is in them.
        counts: (R, people) multiplicities.

    Returns:
        (R, P) float64.
    """
    one, other = people[pairs.first], people[pairs.second]
    return np.asarray(counts[:, one] * np.where(pairs.same, 1, counts[:, other]), dtype=np.float64)


def own_pairs(n: int) -> Pairs:
    """Every one of `n` photos with its own anonymized version: what `accept_rate` makes the match rate of."""
    rows = np.arange(n)
    return Pairs(rows, rows, np.ones(n, dtype=bool), np.zeros(n, dtype=np.int64))


def at_far(far: float) -> Rule:
    """The rule that accepts at most the share `far` of impostor pairs."""
    return lambda alike, same, weights: far_threshold(alike[~same], weights[:, ~same], far)


def threshold(real: Scored, rule: Rule) -> Array:
    """(R, 1) thresholds from all pairs of real photos."""
    return rule(real.alike, real.same, real.weights)[:, None]


def fold_thresholds(real: Scored, rule: Rule) -> Array:
    """(R, F) thresholds for every fold, each from the real pairs of the other folds, as LFW's protocol asks."""
    columns = []
    for fold in range(real.folds):
        rest = real.fold != fold
        columns.append(rule(real.alike[rest], real.same[rest], real.weights[:, rest]))
    return np.stack(columns, axis=1)


def accuracy(scored: Scored, thresholds: Array, failed: str) -> Array:
    """Share of right decisions in every fold -> (R, F); each kind of pair weighs one half, as its number does in LFW.

    (Not so in a resample of few people: more pairs of two are lost in it than pairs of one.)

    Args:
        scored: pairs.
        thresholds: (R, F), a column for every fold.
        failed: a pair without a found face is left out ("skip"), right half of the time ("chance"), or taken for two
            people ("miss").
    """
    right = (scored.alike > thresholds[:, scored.fold]) == scored.same  # NaN is never accepted
    kinds = [_by_fold(scored, kind, right, np.array(0.5), failed) for kind in (scored.same, ~scored.same)]
    return np.asarray((kinds[0] + kinds[1]) / 2)


def accept_rate(scored: Scored, thresholds: Array, chance: Array, failed: str) -> Array:
    """Share of pairs of one person that are accepted in every fold -> (R, F): TAR, and the match rate.

    Args:
        scored: pairs; those of two people do not count.
        thresholds: (R, F), a column for every fold.
        chance: with which a pair of strangers is accepted, a number or (R, 1).
        failed: a pair without a found face is left out ("skip"), accepted with `chance`, or never ("miss").
    """
    return _by_fold(scored, scored.same, scored.alike > thresholds[:, scored.fold], chance, failed)


def _by_fold(scored: Scored, counted: Array, success: Array, chance: Array, failed: str) -> Array:
    """(R, F) weighted means of (R, P) `success` over the pairs that are `counted`."""
    lost = np.isnan(scored.alike)
    if check_failed(failed) == "chance":
        success = np.where(lost, chance, success)
    elif failed == "skip":
        counted = counted & ~lost
    member = (scored.fold[:, None] == np.arange(scored.folds)) * counted[:, None].astype(np.float64)
    return ratio((scored.weights * success) @ member, scored.weights @ member)


def separation(scored: Scored, failed: str) -> tuple[Array, Array]:
    """ROC AUC and equal error rate of pairs whose second photo is anonymized, without any threshold -> (R,), (R,).

    Both fit the scale of the scores anew: how far the two kinds *could* be told apart by somebody who has such pairs
    and their labels.

    Args:
        scored: pairs, folds do not count.
        failed: pairs without a found face are left out ("skip"), accepted at any threshold as often as the impostor
            pairs of the rest ("chance"), or never before all others ("miss").
    """
    lost = np.isnan(scored.alike)
    keep = np.ones_like(lost) if check_failed(failed) == "miss" else ~lost
    if not (keep & scored.same).any() or not (keep & ~scored.same).any():
        nothing = np.full(len(scored.weights), np.nan)
        return nothing, nothing
    alike = np.where(lost, -2.0, scored.alike)  # below every cosine
    far, tar = curve(alike[keep], scored.same[keep], scored.weights[:, keep])
    if failed == "chance":
        genuine = scored.weights[:, scored.same]
        found = ratio(genuine @ (~lost[scored.same]).astype(np.float64), genuine.sum(axis=1))[:, None]
        tar = found * tar + (1 - found) * far
    return area(far, tar), equal_error(far, tar)
