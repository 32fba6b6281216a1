"""What an attacker knows beforehand: a gallery of clear photos, and the thresholds that pairs of them fix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepanon.data.pairs import Pairs
from deepanon.evaluation.identity.impostors import Impostors
from deepanon.evaluation.identity.retrieval import ratio
from deepanon.evaluation.identity.roc import least_error_threshold
from deepanon.evaluation.identity.verification import (
    Scored,
    at_far,
    fold_thresholds,
    own_pairs,
    pair_weights,
    threshold,
)
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Operating:
    """An operating point of a verifier.

    Attributes:
        thresholds: (R, F), or (R, 1) for one that all pairs share.
        chance: (R, 1) with which it takes strangers for one person.
        refused: why there is no such point; empty if there is.
    """

    thresholds: Array
    chance: Array
    refused: str = ""


class Reference:
    """A gallery, and all that is learnt from it before any query is seen.

    Args:
        gallery: (N, D) unit vectors, none of them NaN.
        people: (N,) int64 from 0, who is in them.
        pairs: of these photos, in folds.
        counts: (R, P) multiplicities of people; row 0 are ones.
        fars: false accept rates.
    """

    def __init__(self, gallery: Array, people: Array, pairs: Pairs, counts: Array, fars: tuple[float, ...]) -> None:
        self.gallery, self.people, self.pairs, self.counts, self.fars = gallery, people, pairs, counts, fars
        self.own = own_pairs(len(people))
        self.weights, self.own_weights = (pair_weights(some, people, counts) for some in (pairs, self.own))
        self.real = self.scored(gallery)
        impostors = Impostors(gallery, people, max(fars))
        self.match = {far: self._match(impostors, far) for far in fars}
        both = self.real.same.any() and not self.real.same.all()
        self.least = self._least_error() if both else self._nothing("no pairs of one person, or none of two, are left")
        self.folded = {far: self._folded(far) for far in fars}
        self.pooled = {far: self._pooled(far) for far in fars}
        fewest = min((len(set(self._rest(fold))) for fold in range(pairs.folds)), default=0)
        whole = both and pairs.folds > 1 and fewest == 2
        self.best = (
            Operating(fold_thresholds(self.real, least_error_threshold), self._flat(0.5))
            if whole
            else self._nothing(
                "thresholds come from the other folds, and there are none, or none with both kinds of pairs"
            )
        )

    def scored(self, queries: Array) -> Scored:
        """The pairs, the first photo from the gallery and the second from (N, D) `queries`."""
        return Scored.of(self.gallery, queries, self.pairs, self.weights)

    def matched(self, queries: Array) -> Scored:
        """Every photo of the gallery with its own of (N, D) `queries`."""
        return Scored.of(self.gallery, queries, self.own, self.own_weights)

    def _match(self, impostors: Impostors, far: float) -> Operating:
        refused = too_few(impostors.pairs, far)
        if refused:
            return self._nothing(refused)
        return Operating(impostors.threshold(far, self.counts)[:, None], self._flat(far))

    def _pooled(self, far: float) -> Operating:
        refused = too_few(int((~self.real.same).sum()), far)
        return self._nothing(refused) if refused else Operating(threshold(self.real, at_far(far)), self._flat(far))

    def _folded(self, far: float) -> Operating:
        """Thresholds for a fold come from the others, so it is their impostor pairs that must suffice."""
        fewest = min((int((~self._rest(fold)).sum()) for fold in range(self.pairs.folds)), default=0)
        refused = (
            too_few(fewest, far) if self.pairs.folds > 1 else "thresholds come from other folds: there is only one"
        )
        return (
            self._nothing(refused) if refused else Operating(fold_thresholds(self.real, at_far(far)), self._flat(far))
        )

    def _least_error(self) -> Operating:
        """FaceAnonEval's threshold, found exactly instead of on a grid."""
        thresholds = threshold(self.real, least_error_threshold)
        strangers = ~self.real.same
        weights = self.real.weights[:, strangers]
        accepted = (weights * (self.real.alike[strangers] > thresholds)).sum(axis=1)
        return Operating(thresholds, ratio(accepted, weights.sum(axis=1))[:, None])

    def _rest(self, fold: int) -> Array:
        """Which of the pairs outside `fold` are of one person."""
        return self.real.same[self.real.fold != fold]

    def _flat(self, chance: float) -> Array:
        return np.full((len(self.counts), 1), chance)

    def _nothing(self, why: str) -> Operating:
        return Operating(self._flat(np.nan), self._flat(np.nan), why)


def too_few(pairs: int, far: float) -> str:
    """Why `pairs` impostor pairs fix no threshold for `far`: fewer than 1/`far` cannot show a single false accept."""
    least = int(np.ceil(1 / far - 1e-9))
    if pairs >= least:
        return ""
    return f"a FAR of {far:g} needs {least:,} pairs of real photos of two people or more, there are {pairs:,}"
