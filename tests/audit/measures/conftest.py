"""Scores that are drawn, and a slow and literal way to measure them."""

import numpy as np
import pytest

from deepanon.audit.scores import Scores


def draw(people=12, each=3, apart=1.5, seed=0, levels=None, lost=()):
    """Gaussian scores with unit variance, those of the right person `apart` higher; rounded to 1/levels."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(people), each)
    matrix = rng.normal(size=(len(owner), people))
    matrix[np.arange(len(owner)), owner] += apart
    matrix = matrix if levels is None else np.round(matrix * levels) / levels
    matrix[list(lost)] = np.nan
    return Scores(matrix.astype(np.float32), owner, np.arange(people))


class Slow:
    """Ranks and pairs by loops, of people who are literally repeated."""

    def __init__(self, scores, times):
        self.matrix, self.owner = scores.matrix.astype(float), scores.owner
        self.people = self.matrix.shape[1]
        self.rows = [row for row, who in enumerate(scores.owner) for _ in range(times[who])]
        self.copies = [(who, copy) for who in range(self.people) for copy in range(times[who])]

    def within(self, k):
        """Mean chance to be among the first k."""
        found = []
        for row in self.rows:
            own = self.matrix[row, self.owner[row]]
            if np.isnan(own):
                found.append(k / self.people)
                continue
            others = np.delete(self.matrix[row], self.owner[row])
            ahead, level = sum(others > own), sum(others == own)
            found.append(np.mean([ahead + place < k for place in range(level + 1)]))
        return np.mean(found)

    def logarithm(self):
        """Mean of ln(rank)."""
        found = []
        for row in self.rows:
            own = self.matrix[row, self.owner[row]]
            others = np.delete(self.matrix[row], self.owner[row])
            ahead, level = sum(others > own), sum(others == own)
            found.append(np.mean([np.log(ahead + place + 1) for place in range(level + 1)]))
        return np.mean(found)

    def pairs(self):
        """Scores of right and of wrong pairs; two copies of a person are never compared with each other."""
        right, wrong = [], []
        for who, copy in self.copies:
            for row in np.flatnonzero(self.owner == who):
                if np.isnan(self.matrix[row, 0]):
                    continue
                for other, its in self.copies:
                    if (other, its) == (who, copy):
                        right.append(self.matrix[row, other])
                    elif other != who:
                        wrong.append(self.matrix[row, other])
        return np.array(right), np.array(wrong)

    def accepted(self, far):
        """TAR: all above the threshold, and of those at it as large a part as the rate leaves."""
        right, wrong = self.pairs()
        best = 0.0
        for threshold in np.unique(wrong):
            above, at = np.mean(wrong > threshold), np.mean(wrong == threshold)
            if above <= far + 1e-12:
                part = min(1.0, (far - above) / at)
                best = max(best, np.mean(right > threshold) + part * np.mean(right == threshold))
        return best


@pytest.fixture
def drawn():
    return draw


@pytest.fixture
def slow():
    return Slow
