"""All pairs of a probe and a person, sorted into bins, for many resamples at once.

Between two neighbouring scores of right people nothing but wrong people lie, so that the curve of accept rates is a
straight line there: bins that end at the scores of right people lose nothing, and there are few of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from deepanon.audit.measures.draws import by_person
from deepanon.audit.scores import Scores
from deepanon.errors import DataError
from deepanon.evaluation.identity.retrieval import ratio
from deepanon.evaluation.identity.roc import area, equal_error
from deepanon.geometry import Array

BLOCK = 512  # pairs at a time: their weights in 1,000 resamples stay in the processor's cache
WORK = 2 * 10**8  # pairs times resamples; beyond, there are fewer resamples
FEWEST = 200  # resamples


class Pairs:
    """Pairs of the probes of which the attack says something.

    Args:
        scores: of all probes.
        equal: so many bins of equal width from the lowest to the highest score must be unions of bins.

    Attributes:
        matrix: (F, I) float64, the scores of these probes.
        owner: (F,) int64.
        own: (F,) float64, the scores of the right people.
        cuts: (C,) distinct scores; bin 2i + 1 holds what equals cut i, bin 2i what lies between it and the one before.
        ends: (equal - 1,) inner ends of the bins of equal width.

    Raises:
        DataError: the attack says nothing of any probe.
    """

    def __init__(self, scores: Scores, equal: int = 1) -> None:
        found = ~np.isnan(scores.matrix[:, 0])
        if not found.any():
            raise DataError("an attack that says nothing of any probe has no pairs")
        self.matrix, self.owner = scores.matrix[found].astype(np.float64), scores.owner[found]
        self.own = self.matrix[np.arange(len(self.owner)), self.owner]
        self.people = scores.matrix.shape[1]
        self.ends = np.linspace(self.matrix.min(), self.matrix.max(), equal + 1)[1:-1]
        self.cuts = np.unique(np.concatenate([self.own, self.ends]))
        self.bins = 2 * len(self.cuts) + 1

    @property
    def strangers(self) -> int:
        """How many pairs of a probe and a wrong person there are."""
        return len(self.owner) * (self.people - 1)

    def place(self, values: Array) -> Array:
        """The bin of every score, of the same shape."""
        return np.asarray(np.searchsorted(self.cuts, values, "left") + np.searchsorted(self.cuts, values, "right"))

    def mated(self, counts: Array) -> Array:
        """(R, bins) float64: weight of pairs of a probe and its own person."""
        return self.binned(self.place(self.own), self.bins, counts)

    def binned(self, bins: Array, size: int, counts: Array) -> Array:
        """(F,) bins of the probes -> (R, size) weight of probes in each."""
        table = np.zeros((self.people, size))
        np.add.at(table, (self.owner, bins), 1)
        return np.asarray(counts @ table)

    def strange(self, counts: Array) -> Array:
        """(R, bins) float64: weight of pairs of a probe and a wrong person, the product of both people's."""
        bins = self.place(self.matrix)
        rows, columns = np.nonzero(np.arange(self.people) != self.owner[:, None])
        where = bins[rows, columns]
        order = np.argsort(where, kind="stable")
        where, one, other = where[order], self.owner[rows[order]], columns[order]
        each = np.ascontiguousarray(counts.T, dtype=np.float32)
        made = np.zeros((self.bins, len(counts)))
        for start in range(0, len(where), BLOCK):
            block = slice(start, start + BLOCK)
            first, last = where[block][0], where[block][-1]
            ends = np.searchsorted(where[block], np.arange(first, last + 2))
            ones = np.ones(ends[-1], dtype=np.float32)
            adding = sparse.csr_matrix((ones, np.arange(ends[-1]), ends), shape=(last + 1 - first, ends[-1]))
            made[first : last + 1] += adding @ (each[one[block]] * each[other[block]])
        return made.T

    def found_share(self, counts: Array, owner: Array) -> Array:
        """(R,) share of all probes, of (P,) `owner`, of which the attack says something."""
        below, above = (counts @ np.bincount(who, minlength=self.people) for who in (owner, self.owner))
        return ratio(above, below)

    def moments(self, counts: Array) -> tuple[Array, Array, Array, Array]:
        """Means of right and of wrong pairs, then their variances, each (R,)."""
        middle = self.matrix.mean()  # taken off, so that small variances survive
        moved, own = self.matrix - middle, self.own - middle
        weights = counts @ np.bincount(self.owner, minlength=self.people)
        right = [ratio(counts @ by_person(own**power, self.owner, self.people), weights) for power in (1, 2)]
        wrong = [self._wrong(moved**power, counts) for power in (0, 1, 2)]
        first, second = ratio(wrong[1], wrong[0]), ratio(wrong[2], wrong[0])
        return right[0] + middle, first + middle, right[1] - right[0] ** 2, second - first**2

    def _wrong(self, values: Array, counts: Array) -> Array:
        """Weighted sum of (F, I) `values` over wrong people -> (R,)."""
        sums = by_person(values, self.owner, self.people)
        np.fill_diagonal(sums, 0)  # a person's probes with the person
        return np.asarray(((counts @ sums) * counts).sum(axis=1))


def affordable(counts: Array, pairs: int) -> Array:
    """The first of the resamples, as many as `pairs` pairs allow."""
    return counts[: max(1 + FEWEST, WORK // max(pairs, 1))]


@dataclass(frozen=True, eq=False)
class Roc:
    """False and true accept rates from the highest threshold to the lowest.

    Attributes:
        far: (R, T) float64, rising from 0 to 1.
        tar: (R, T) likewise.
    """

    far: Array
    tar: Array

    @classmethod
    def of(cls, mated: Array, strange: Array, found: Array) -> Roc:
        """From weights in bins.

        Args:
            mated: (R, B) of pairs with the right person.
            strange: (R, B) of pairs with a wrong person.
            found: (R,) share of probes of which the attack says anything; the others are accepted as a stranger is, at
                any threshold.
        """
        far, tar = (_rates(weights) for weights in (strange, mated))
        return cls(far, found[:, None] * tar + (1 - found[:, None]) * far)

    def accepted(self, far: float) -> Array:
        """(R,) TAR at exactly this FAR: a coin is thrown for scores that equal the threshold, as ranks do with ties."""
        allowed = far * (1 + 1e-9)  # a whole number of allowed accepts must not fall short of it by rounding
        last = np.minimum((self.far <= allowed).sum(axis=1), self.far.shape[1] - 1) - 1
        rows = np.arange(len(self.far))
        x0, x1, y0, y1 = (c[rows, at] for c in (self.far, self.tar) for at in (last, last + 1))
        step = np.where(x1 > x0, ratio(far - x0, x1 - x0), 0)
        return np.where(np.isnan(x1), np.nan, y0 + np.clip(step, 0, 1) * (y1 - y0))

    @property
    def equal_error(self) -> Array:
        """(R,) where as many are falsely accepted as rejected."""
        return equal_error(self.far, self.tar)

    @property
    def area(self) -> Array:
        """(R,) under the curve."""
        return area(self.far, self.tar)


def _rates(weights: Array) -> Array:
    """(R, B) weights of rising scores -> (R, B + 1) shares above, from none to all."""
    above = np.cumsum(weights[:, ::-1], axis=1)
    return np.concatenate([np.zeros((len(above), 1)), ratio(above, above[:, -1:])], axis=1)
