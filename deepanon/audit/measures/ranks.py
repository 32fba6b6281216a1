"""Identification: at which place does the attacker name the right person?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from deepanon.audit.measures.draws import share
from deepanon.audit.scores import Scores
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Ranks:
    """Where the right person stands for each probe; people of the same score stand in random order.

    A probe of which the attack says nothing has everybody level: a blind guess.

    Attributes:
        ahead: (P,) int64, people with a higher score than the right one.
        level: (P,) int64, wrong people with exactly its score.
        owner: (P,) int64.
        people: how many there are.
    """

    ahead: Array
    level: Array
    owner: Array
    people: int

    @classmethod
    def of(cls, scores: Scores) -> Ranks:
        """Count them in a matrix of scores."""
        probes, people = scores.matrix.shape
        own = scores.matrix[np.arange(probes), scores.owner][:, None]
        ahead = (scores.matrix > own).sum(axis=1)
        level = np.where(np.isnan(own[:, 0]), people, (scores.matrix == own).sum(axis=1)) - 1
        return cls(ahead, level, scores.owner, people)

    def cmc(self, counts: Array) -> Array:
        """(R, people) float64: share of probes whose person is among the first k = 1, 2, …, ties in expectation."""
        within = (np.arange(1, self.people + 1) - self.ahead[:, None]) / (self.level[:, None] + 1)
        return share(np.clip(within, 0, 1), self.owner, counts)

    def anonymity(self, counts: Array) -> Array:
        """(R,) exp of the mean of ln(rank), the mean of the logarithm over all orders of people who are level."""
        logarithms = (gammaln(self.ahead + self.level + 2) - gammaln(self.ahead + 1)) / (self.level + 1)
        return np.asarray(np.exp(share(logarithms, self.owner, counts)))


def median_rank(cmc: Array) -> Array:
    """(R, people) curves -> (R,) the first rank that half of the probes reach; NaN where there are no probes."""
    reached = cmc >= 0.5 - 1e-9
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.nan)
