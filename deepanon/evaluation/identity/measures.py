"""All measures of one run of a method: from vectors to statistics, one value for every resample of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepanon.evaluation.identity.metrics import KS, LEAST_ERROR, RATES
from deepanon.evaluation.identity.reference import Operating, Reference
from deepanon.evaluation.identity.retrieval import FAILED, Ranking, above_chance, rank_k, ratio, self_retrieval
from deepanon.evaluation.identity.verification import (
    Scored,
    accept_rate,
    accuracy,
    pooled,
    separation,
)
from deepanon.evaluation.observing.vectors import OWN
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Statistic:
    """One measure of one run.

    Attributes:
        values: (R,), the first of the set itself, the others of resamples of people.
        n: photos, queries or pairs that it rests on.
        note: what a reader must know, or why there is no value.
        spread: standard deviation over folds, NaN without folds.
    """

    values: Array
    n: int
    note: str = ""
    spread: float = float("nan")


NOBODY = "no face was found in any of the photos that count"
Key = tuple[str, str]  # metric, scope
Statistics = dict[Key, Statistic]


def measure(reference: Reference, vectors: Array, alignment: str, same_pictures: bool = False) -> Statistics:
    """Everything about one run: (N, D) `vectors` of the photos of the gallery after anonymization, NaN = no face found.

    Args:
        reference: gallery and thresholds.
        vectors: the queries.
        alignment: "oracle" or "own"; with "own" every measure is there three ways, see `FAILED`.
        same_pictures: the queries are the gallery: finding oneself in it says nothing, and is left out.
    """
    lost = np.asarray(~np.isfinite(vectors).all(axis=1))
    found: Statistics = {}
    if alignment == OWN:
        found["failure_rate", alignment] = _failure_rate(reference, lost)
    ways = FAILED if alignment == OWN else ("skip",)  # where the original's keypoints are given, nothing is ever lost
    ranking = rank_k(reference.gallery, vectors, reference.people)
    scored, matched = reference.scored(vectors), reference.matched(vectors)
    for failed in ways:
        scope = alignment if len(ways) == 1 else f"{alignment}, {failed}"
        found |= _identification(reference, vectors, ranking, failed, scope, same_pictures)
        found |= _own_match(reference, matched, failed, scope, same_pictures)
        found |= _pairs(reference, scored, failed, scope)
    return found


def _failure_rate(reference: Reference, lost: Array) -> Statistic:
    weights = reference.own_weights
    return Statistic(ratio(weights @ lost.astype(np.float64), weights.sum(axis=1)), len(lost))


def _identification(
    reference: Reference, vectors: Array, ranking: Ranking, failed: str, scope: str, same_pictures: bool
) -> Statistics:
    found: Statistics = {}
    counts = reference.counts
    if same_pictures:
        found["self_retrieval", scope] = _none(counts, "both sides are the same pictures: 100 % by construction")
    else:
        hits = self_retrieval(reference.gallery, vectors, reference.people).within(1)
        share, guess, n = hits.share(counts, failed), hits.guess(counts, failed), hits.count(failed)
        found["self_retrieval", scope] = Statistic(share, n, f"N = {len(hits)}, chance 1/{len(hits)}" if n else NOBODY)
        found["self_retrieval_normalised", scope] = Statistic(above_chance(share, guess), n)
    for k in KS:
        hits = ranking.within(k)
        if not len(hits):
            found[f"rank_{k}", scope] = _none(counts, "nobody has a second photo in the gallery")
        elif k > ranking.size[0]:
            found[f"rank_{k}", scope] = _none(counts, f"the gallery holds only {ranking.size[0]} photos")
        else:
            share, guess = hits.share(counts, failed), hits.guess(counts, failed)
            note = f"gallery of {ranking.size[0]} photos of {counts.shape[1]} people, chance {guess[0]:.4f}"
            note = note if hits.count(failed) else NOBODY
            found[f"rank_{k}", scope] = Statistic(share, hits.count(failed), note)
            if k == 1:
                found["rank_1_normalised", scope] = Statistic(above_chance(share, guess), hits.count(failed))
    return found


def _own_match(reference: Reference, own: Scored, failed: str, scope: str, same_pictures: bool) -> Statistics:
    points = {f"match_rate_{RATES[far]}": point for far, point in reference.match.items()}
    same = "both sides are the same pictures: 100 % by construction" if same_pictures else ""
    points[LEAST_ERROR] = reference.least
    return {(metric, scope): _accepted(own, point, failed, same) for metric, point in points.items()}


def _pairs(reference: Reference, scored: Scored, failed: str, scope: str) -> Statistics:
    found: Statistics = {}
    best = reference.best
    n = scored.count(failed)
    found["lfw_accuracy", scope] = (
        _none(reference.counts, best.refused) if best.refused else _folds(accuracy(scored, best.thresholds, failed), n)
    )
    one = pooled(scored)
    for far in reference.fars:
        found[f"lfw_tar_{RATES[far]}", scope] = _accepted(scored, reference.folded[far], failed)
        found[f"pair_tar_{RATES[far]}", scope] = _accepted(one, reference.pooled[far], failed)
    auc, eer = separation(scored, failed)
    found["pair_auc", scope] = Statistic(auc, n)
    found["pair_eer", scope] = Statistic(
        eer, n, "threshold fitted to the anonymized pairs" if np.isfinite(eer[0]) else NOBODY
    )
    return found


def _accepted(scored: Scored, point: Operating, failed: str, refused: str = "") -> Statistic:
    if refused or point.refused:
        return _none(scored.weights, refused or point.refused)
    return _folds(accept_rate(scored, point.thresholds, point.chance, failed), scored.count(failed, scored.same))


def _folds(by_fold: Array, n: int) -> Statistic:
    """Mean over the folds of (R, F) in which anything is left."""
    counted = np.isfinite(by_fold)
    number = counted.sum(axis=1)
    mean = np.where(number > 0, np.where(counted, by_fold, 0).sum(axis=1) / np.maximum(number, 1), np.nan)
    spread = float(by_fold[0][counted[0]].std()) if by_fold.shape[1] > 1 and counted[0].any() else float("nan")
    return Statistic(mean, n, spread=spread)


def _none(rows: Array, why: str) -> Statistic:
    return Statistic(np.full(len(rows), np.nan), 0, why)
