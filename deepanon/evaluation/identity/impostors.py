"""The most alike of all pairs of photos of two people: thresholds for rates that a list of pairs is too short for."""

from __future__ import annotations

import math

import numpy as np

from deepanon.evaluation.identity.roc import far_threshold
from deepanon.geometry import Array

BLOCK = 512  # photos at a time
RESERVE = 4  # times as many pairs are kept as the largest rate accepts: a resample may weigh those at the top less


class Impostors:
    """Every pair of photos of two people counts, though only the most alike are kept.

    Args:
        vectors: (N, D) unit vectors of clear photos.
        people: (N,) int64, who is in them.
        far: the largest false accept rate that will be asked for.

    Attributes:
        pairs: how many there are.
    """

    def __init__(self, vectors: Array, people: Array, far: float) -> None:
        self.each = np.bincount(people)
        self.pairs = int((self.each.sum() ** 2 - (self.each**2).sum()) // 2)
        keep = max(1, min(self.pairs, math.ceil(RESERVE * far * self.pairs)))
        alike, first, second = np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64)
        for start in range(0, len(vectors), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(vectors)))
            block = vectors[rows] @ vectors.T
            a, b = np.nonzero((people[rows, None] != people) & (rows[:, None] < np.arange(len(people))))
            alike = np.concatenate([alike, block[a, b]])
            first, second = np.concatenate([first, people[rows[a]]]), np.concatenate([second, people[b]])
            if len(alike) > keep:
                best = np.argpartition(-alike, keep - 1)[:keep]
                alike, first, second = alike[best], first[best], second[best]
        order = np.argsort(-alike)
        self.alike, self.first, self.second = alike[order], first[order], second[order]

    def threshold(self, far: float, counts: Array) -> Array:
        """(R, P) multiplicities of people -> (R,) thresholds that accept at most the share `far` of all pairs."""
        return np.concatenate([self._threshold(far, row[None]) for row in counts.astype(np.float64)])

    def _threshold(self, far: float, counts: Array) -> Array:
        drawn = counts * self.each
        total = (drawn.sum(axis=1) ** 2 - (drawn**2).sum(axis=1)) / 2
        return far_threshold(self.alike, counts[:, self.first] * counts[:, self.second], far, total)
