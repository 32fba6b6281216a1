"""Identification: whose photo is nearest to an anonymized one? Naive attacker: the gallery holds clear photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from deepanon.errors import OptionError
from deepanon.geometry import Array

FAILED = ("skip", "chance", "miss")  # how a query counts in which no face was found
Rule = Callable[
    [Array, Array], tuple[Array, Array]
]  # similarities, rows -> that of the best right photo, which are wrong
BLOCK = 512  # queries at a time: their similarities to a gallery of 13,000 are 27 MB


@dataclass(frozen=True, eq=False)
class Hits:
    """How every query ended.

    Attributes:
        values: (Q,) float in [0, 1], the chance to succeed with ties broken at random; NaN without a found face.
        chance: (Q,) how likely a blind guess succeeds.
        people: (Q,) int64, who is in the query.
    """

    values: Array
    chance: Array
    people: Array

    def __len__(self) -> int:
        return len(self.values)

    def count(self, failed: str) -> int:
        """How many queries count."""
        return int((~np.isnan(self.values)).sum()) if check_failed(failed) == "skip" else len(self)

    def share(self, counts: Array, failed: str) -> Array:
        """Share of successes for (R, P) multiplicities of people -> (R,), NaN where nobody is left.

        Args:
            counts: how often each person is drawn; a row of ones is the set itself.
            failed: a query without a found face is left out ("skip"), succeeds as often as a blind guess ("chance"),
                or never ("miss").
        """
        return self._mean(self._filled(failed), counts, failed)

    def guess(self, counts: Array, failed: str) -> Array:
        """(R,) mean `chance` over the same queries."""
        return self._mean(self.chance, counts, failed)

    def _filled(self, failed: str) -> Array:
        return np.where(np.isnan(self.values), self.chance if check_failed(failed) == "chance" else 0.0, self.values)

    def _mean(self, values: Array, counts: Array, failed: str) -> Array:
        """Sums by person first, so that a resample costs one product a person and none a query."""
        counted = ~np.isnan(self.values) if check_failed(failed) == "skip" else np.ones(len(self), dtype=bool)
        above, below = (
            counts @ np.bincount(self.people, weights=column * counted, minlength=counts.shape[1])
            for column in (values, np.ones(len(self)))
        )
        return ratio(above, below)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Where the right photos stand when a gallery is sorted by similarity to each query.

    Attributes:
        ahead: (Q,) float, wrong photos more alike than the best right one; NaN without a found face.
        level: (Q,) float, wrong photos exactly as alike.
        right: (Q,) int64, right photos in the gallery, 1 or more.
        size: (Q,) int64, photos in the gallery.
        people: (Q,) int64, who is in the query.
    """

    ahead: Array
    level: Array
    right: Array
    size: Array
    people: Array

    def within(self, k: int) -> Hits:
        """Success = a right photo is among the first `k`."""
        values = np.clip((k - self.ahead) / (self.level + 1), 0, 1)
        return Hits(values, blind_guess(self.right, self.size, k), self.people)


def self_retrieval(originals: Array, anonymized: Array, people: Array) -> Ranking:
    """Re-ID rate: among all originals, is the anonymized photo nearest to its own? Take `.within(1)`.

    The answer gets harder with every photo in the gallery: a rate means nothing without N, and chance is 1/N.

    Args:
        originals: (N, D) unit vectors, the gallery.
        anonymized: (N, D), of the same photos; NaN rows where no face was found.
        people: (N,) int64, who is in them.
    """
    rows = np.arange(len(originals))

    def own(alike: Array, at: Array) -> tuple[Array, Array]:
        return alike[at - at[0], at], rows[None, :] != at[:, None]

    return _ranking(originals, anonymized, people, own, np.ones(len(rows), dtype=np.int64), len(rows))


def rank_k(gallery: Array, queries: Array, people: Array) -> Ranking:
    """Closed set: is one of the k nearest photos of the same person, not counting the query's own original?

    Queries of people with no other photo cannot succeed and are left out; their photos stay in the gallery.

    Args:
        gallery: (N, D) unit vectors.
        queries: (N, D), of the same photos; NaN rows where no face was found.
        people: (N,) int64, who is in them.
    """
    mates = np.bincount(people)[people] - 1

    def best_mate(alike: Array, at: Array) -> tuple[Array, Array]:
        same = people[at, None] == people[None, :]
        mate = same & (np.arange(len(people))[None, :] != at[:, None])
        return np.where(mate, alike, -np.inf).max(axis=1), ~same

    ranking = _ranking(gallery, queries, people, best_mate, mates, len(people) - 1)
    keep = mates > 0
    return Ranking(*(column[keep] for column in vars(ranking).values()))


def _ranking(gallery: Array, queries: Array, people: Array, rule: Rule, right: Array, size: int) -> Ranking:
    ahead, level = np.zeros(len(queries)), np.zeros(len(queries))
    for start in range(0, len(queries), BLOCK):
        at = np.arange(start, min(start + BLOCK, len(queries)))
        alike = np.nan_to_num(queries[at]) @ gallery.T
        best, wrong = rule(alike, at)
        ahead[at] = (wrong & (alike > best[:, None])).sum(axis=1)
        level[at] = (wrong & (alike == best[:, None])).sum(axis=1)
    ahead[~np.isfinite(queries).all(axis=1)] = np.nan
    return Ranking(ahead, level, right, np.full(len(queries), size), people)


def blind_guess(right: Array, size: Array, k: int) -> Array:
    """(Q,) probability that k of `size` photos drawn blindly hold one of the `right` ones (hypergeometric)."""
    wrong = size - right
    none = (
        gammaln(wrong + 1)
        - gammaln(np.maximum(wrong - k, 0) + 1)
        - gammaln(size + 1)
        + gammaln(np.maximum(size - k, 0) + 1)
    )
    return np.where(k > wrong, 1.0, 1 - np.exp(none))


def above_chance(share: Array, chance: Array) -> Array:
    """(share - chance) / (1 - chance): 0 = as a blind guess, 1 = always right, the same for galleries of any size."""
    return ratio(share - chance, 1 - np.asarray(chance))


def ratio(above: Array, below: Array) -> Array:
    """above / below, broadcast; NaN where `below` is not positive."""
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def check_failed(failed: str) -> str:
    """Return `failed` if it is one of `FAILED`; `OptionError` if not."""
    if failed not in FAILED:
        raise OptionError(f"unknown way to count failures {failed!r}; choose one of: {', '.join(FAILED)}")
    return failed
