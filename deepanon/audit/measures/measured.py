"""All measures of one matrix of scores: one attack, one recogniser, one method."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deepanon.audit.measures.deployed import Deployed, accepted, harmed, too_few
from deepanon.audit.measures.draws import check_counts, share
from deepanon.audit.measures.limits import zero_hits
from deepanon.audit.measures.linkability import BINS, above_shuffled
from deepanon.audit.measures.metrics import AT_FAR, FARS, KS, RANKS
from deepanon.audit.measures.pairs import Pairs, Roc, affordable
from deepanon.audit.measures.ranks import Ranks, median_rank
from deepanon.audit.scores import Scores
from deepanon.errors import OptionError
from deepanon.evaluation.bootstrap import percentile_interval
from deepanon.evaluation.identity.measures import Statistic
from deepanon.evaluation.identity.metrics import RATES
from deepanon.evaluation.identity.retrieval import above_chance, ratio
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

SILENT = "the attack says nothing of any probe: a blind guess"
DET_POINTS = 100
Statistics = dict[str, Statistic]


@dataclass(frozen=True, eq=False)
class Measured:
    """What one attack reaches with one recogniser against one method.

    Attributes:
        statistics: by metric, a key of `metrics.METRICS`; values (R,), the first of the set itself.
        people: whose faces are on the probes: what limits without any hit rest on.
        chance: rank-1 of a blind guess, 1 / people of the gallery.
        cmc: share of probes whose person is within rank 1, 2, …
        det: [false accept rate, false reject rate], up to `DET_POINTS` points.
    """

    statistics: Statistics
    people: int
    chance: float
    cmc: list[float]
    det: list[list[float]]

    @property
    def curves(self) -> dict[str, list]:
        """For `AuditResult.curves`."""
        return {"cmc": self.cmc, "det": self.det}

    def values(self, data: str, by: str, method: str, scope: str) -> list[Value]:
        """One `Value` a metric.

        Args:
            data: name of the data set.
            by: the recogniser.
            method: what was done to the faces.
            scope: the attack.
        """
        return [self._value(metric, data, by, method, scope) for metric in self.statistics]

    def _value(self, metric: str, data: str, by: str, method: str, scope: str) -> Value:
        statistic = self.statistics[metric]
        value, note = float(statistic.values[0]), statistic.note
        if math.isnan(value):
            return Value("audit", data, by, method, metric, scope, n=statistic.n, note=note or "no probe counts")
        low, high = percentile_interval(statistic.values[1:])
        if metric in RANKS or metric in AT_FAR:
            limit = zero_hits(self.people)
            seen = f"{'no' if value == 0 else 'every'} probe of {self.people} people: limit of Clopper and Pearson"
            if value in (0, 1):
                low, high = (0.0, limit) if value == 0 else (1 - limit, 1.0)
                note = f"{seen}; {note}" if note else seen
        return Value("audit", data, by, method, metric, scope, value, low, high, statistic.n, (), note)


def measure(
    scores: Scores, counts: Array, deployed: Deployed | None = None, fars: tuple[float, ...] = FARS
) -> Measured:
    """All measures of a matrix, for every resample of people.

    A probe of which the attack says nothing is a blind guess and never left out: everybody stands level for ranks, and
    in verification it is accepted as often as a stranger.

    Args:
        scores: (P, I) and whose probes they are.
        counts: (R, I) multiplicities from `draws`, the same for everything that is to be compared.
        deployed: thresholds of the recogniser on clear faces; None where the scores are not of its own space.
        fars: false accept rates, some of `metrics.FARS`. With fewer than 30/FAR pairs of a probe and a wrong person
            there is no value but a note; 1e-4 is then left out altogether.

    Raises:
        DataError: counts do not fit.
        OptionError: another false accept rate.
    """
    check_counts(counts, scores.matrix.shape[1])
    if not fars or not set(fars) <= set(FARS):
        raise OptionError(f"false accept rates must be some of {', '.join(map(str, FARS))}, got {list(fars)}")
    ranks, people = Ranks.of(scores), scores.matrix.shape[1]
    cmc = ranks.cmc(counts)
    found = _missing(scores, counts) | _identification(ranks, cmc, counts)
    silent = bool(np.isnan(scores.matrix).all())
    pairs = None if silent else Pairs(scores, BINS)
    if pairs is None:
        found |= _blind(scores, counts, fars)
        det = [[far, 1 - far] for far in FARS]
    else:
        more, roc = _verification(scores, pairs, counts, fars)
        found |= more
        det = _det(roc, pairs.strangers)
    if deployed is not None:
        found |= _in_use(scores, counts, deployed, fars)
    return Measured(found, len(set(scores.owner.tolist())), 1 / people, cmc[0].tolist(), det)


def _missing(scores: Scores, counts: Array) -> Statistics:
    lost = np.isnan(scores.matrix[:, 0]).astype(np.float64)
    return {"audit_missing": Statistic(share(lost, scores.owner, counts), len(lost))}


def _identification(ranks: Ranks, cmc: Array, counts: Array) -> Statistics:
    n, people = len(ranks.owner), ranks.people
    found: Statistics = {}
    for k in KS:
        if k < people:
            found[f"audit_rank_{k}"] = Statistic(cmc[:, k - 1], n, f"chance {k}/{people}")
        else:
            found[f"audit_rank_{k}"] = Statistic(np.full(len(cmc), np.nan), n, f"the gallery holds {people} people")
    found["audit_rank_1_normalised"] = Statistic(above_chance(cmc[:, 0], np.array(1 / people)), n)
    found["audit_median_rank"] = Statistic(median_rank(cmc), n, f"of {people} people")
    found["audit_anonymity_set"] = Statistic(ranks.anonymity(counts), n, f"of {people} people")
    return found


def _verification(scores: Scores, pairs: Pairs, counts: Array, fars: tuple[float, ...]) -> tuple[Statistics, Roc]:
    some = affordable(counts, pairs.strangers)
    note = f"interval from {len(some) - 1} resamples" if len(some) < len(counts) else ""
    mated, strange, share_found = pairs.mated(some), pairs.strange(some), pairs.found_share(some, scores.owner)
    roc = Roc.of(mated, strange, share_found)
    probes, every = len(scores.owner), scores.matrix.size
    found: Statistics = {}
    for far in fars:
        why = too_few(pairs.strangers, far)
        if why and far == min(FARS):
            continue
        reached = np.full(len(some), np.nan) if why else roc.accepted(far)
        found[f"audit_tar_{RATES[far]}"] = Statistic(reached, probes, why or note)
    found["audit_eer"] = Statistic(roc.equal_error, every, note)
    found["audit_auc"] = Statistic(roc.area, every, note)
    found["audit_d_prime"] = Statistic(_d_prime(pairs, some, share_found), every, note)
    found["audit_d_sys"] = Statistic(above_shuffled(pairs, some, mated, strange, share_found), every, note)
    return found, roc


def _d_prime(pairs: Pairs, counts: Array, found: Array) -> Array:
    """(R,) (mean - mean) / sqrt of the mean variance; probes without scores are mixed in with those of strangers."""
    right, wrong, spread_right, spread_wrong = pairs.moments(counts)
    apart = found * (right - wrong)
    spread_right = found * spread_right + (1 - found) * spread_wrong + found * (1 - found) * (right - wrong) ** 2
    spread = np.sqrt(np.maximum((spread_right + spread_wrong) / 2, 0))
    return np.where(apart == 0, 0.0, ratio(apart, spread))


def _blind(scores: Scores, counts: Array, fars: tuple[float, ...]) -> Statistics:
    reached = {f"audit_tar_{RATES[far]}": far for far in fars if far > min(FARS)}
    reached |= {"audit_eer": 0.5, "audit_auc": 0.5, "audit_d_prime": 0.0, "audit_d_sys": 0.0}
    return {key: Statistic(np.full(len(counts), value), len(scores.owner), SILENT) for key, value in reached.items()}


def _in_use(scores: Scores, counts: Array, deployed: Deployed, fars: tuple[float, ...]) -> Statistics:
    probes = len(scores.owner)
    found: Statistics = {}
    for far in fars:
        name = RATES[far]
        if far in deployed.thresholds:
            tar = accepted(scores, counts, deployed.thresholds[far], far)
            harm = harmed(scores, counts, deployed.thresholds[far], far)
            four = (tar, 1 - tar, harm, deployed.third_party[far])
        elif far in deployed.refused and far > min(FARS):
            four = (np.full(len(counts), np.nan),) * 4
        else:
            continue
        keys = ("audit_tar_deployed", "audit_psr", "audit_third_party", "audit_third_party_clear")
        note = deployed.refused.get(far, "")
        found |= {f"{key}_{name}": Statistic(values, probes, note) for key, values in zip(keys, four, strict=True)}
    return found


def _det(roc: Roc, strangers: int) -> list[list[float]]:
    """Points at false accept rates that rise by a factor, from one pair on, with ends."""
    whole = Roc(roc.far[:1], roc.tar[:1])
    rates = np.unique(np.geomspace(1 / max(strangers, 2), 1, DET_POINTS))
    return [[float(far), 1 - float(whole.accepted(float(far))[0])] for far in rates]
