"""A face recognition system in use: thresholds come from clear faces, anonymized ones come to it unannounced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepanon.audit.measures.draws import check_counts
from deepanon.audit.measures.metrics import FARS
from deepanon.audit.measures.pairs import Pairs
from deepanon.audit.scores import Scores
from deepanon.evaluation.identity.impostors import RESERVE
from deepanon.evaluation.identity.retrieval import ratio
from deepanon.evaluation.identity.roc import far_threshold
from deepanon.geometry import Array

RULE = 30  # false accepts that a rate must rest on (Doddington et al. 2000)
ROWS = 32  # resamples at a time


def too_few(strangers: int, far: float) -> str:
    """Why `strangers` pairs of two people cannot show a rate `far`, by the rule of 30; empty if they can."""
    least = int(np.ceil(RULE / far - 1e-9))
    if strangers >= least:
        return ""
    return (
        f"a FAR of {far:g} needs {least:,} pairs of an anonymized face and another person (rule of {RULE}), there are "
        f"{strangers:,}: take more photos or people, or a higher FAR"
    )


@dataclass(frozen=True, eq=False)
class Deployed:
    """Operating points of one recogniser on clear faces.

    Attributes:
        thresholds: FAR -> (R,) scores above which it accepts, one for every resample.
        third_party: FAR -> (R,) share of clear probes of which it takes at least one wrong person.
        refused: FAR -> why there is no threshold.
    """

    thresholds: dict[float, Array]
    third_party: dict[float, Array]
    refused: dict[float, str]

    @classmethod
    def of(cls, clear: Scores, counts: Array, fars: tuple[float, ...] = FARS) -> Deployed:
        """Learn the thresholds from scores of untouched probes, on the resamples that the measures are made on.

        Raises:
            DataError: counts do not fit.
        """
        check_counts(counts, clear.matrix.shape[1])
        pairs = Pairs(clear)
        refused = {far: too_few(pairs.strangers, far) for far in fars}
        thresholds = {far: _thresholds(pairs, counts, far) for far in fars if not refused[far]}
        third = {far: harmed(clear, counts, threshold, far) for far, threshold in thresholds.items()}
        return cls(thresholds, third, {far: why for far, why in refused.items() if why})


def accepted(scores: Scores, counts: Array, thresholds: Array, far: float) -> Array:
    """TAR at (R,) thresholds -> (R,); of a probe without scores a blind guess is accepted, with the chance `far`."""
    own = scores.matrix[np.arange(len(scores.owner)), scores.owner]
    return _above(own, np.full(len(own), far), scores.owner, counts, thresholds)


def harmed(scores: Scores, counts: Array, thresholds: Array, far: float) -> Array:
    """Share of probes of which at least one wrong person is accepted at (R,) thresholds -> (R,)."""
    probes, people = scores.matrix.shape
    wrong = scores.matrix.copy()
    wrong[np.arange(probes), scores.owner] = -np.inf
    best = np.where(np.isnan(scores.matrix[:, 0]), np.nan, np.nan_to_num(wrong, nan=0, neginf=-np.inf).max(axis=1))
    return _above(best, np.full(probes, 1 - (1 - far) ** (people - 1)), scores.owner, counts, thresholds)


def _above(values: Array, blind: Array, owner: Array, counts: Array, thresholds: Array) -> Array:
    """(R,) share of (P,) values above the thresholds, NaN as often as `blind` says."""
    weights = counts[:, owner].astype(np.float64)
    passed = np.where(np.isnan(values), blind, values.astype(np.float64) > thresholds[:, None])
    return ratio((weights * passed).sum(axis=1), weights.sum(axis=1))


def _thresholds(pairs: Pairs, counts: Array, far: float) -> Array:
    """(R,) the least that accept at most `far` of the pairs with wrong people; the highest scores are enough."""
    rows, columns = np.nonzero(np.arange(pairs.people) != pairs.owner[:, None])
    alike, first = pairs.matrix[rows, columns], pairs.owner[rows]
    keep = min(len(alike), int(np.ceil(RESERVE * far * len(alike))))
    best = np.argsort(-alike, kind="stable")[:keep]
    alike, first, second = alike[best], first[best], columns[best]
    probes = np.bincount(pairs.owner, minlength=pairs.people)
    made = []
    for start in range(0, len(counts), ROWS):
        some = counts[start : start + ROWS].astype(np.float64)
        total = (some @ probes) * some.sum(axis=1) - (some**2) @ probes
        made.append(far_threshold(alike, some[:, first] * some[:, second], far, total))
    return np.concatenate(made)
