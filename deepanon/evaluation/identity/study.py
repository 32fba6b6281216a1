"""From vectors to the numbers of a report: who is recognised after anonymization, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from deepanon.data.pairs import Pairs
from deepanon.errors import DataError, OptionError
from deepanon.evaluation.bootstrap import percentile_interval, resample
from deepanon.evaluation.identity.measures import NOBODY, Statistic, Statistics, measure
from deepanon.evaluation.identity.metrics import RATES
from deepanon.evaluation.identity.reference import Reference
from deepanon.evaluation.identity.seen import Seen
from deepanon.evaluation.observing.variants import CONTEXT, NONE
from deepanon.evaluation.observing.vectors import ORACLE
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

BOTH = "context, both sides"  # the control with grey boxes in the gallery too
FARS = (1e-2, 1e-3)
OVER = ("rank_1", "pair_auc")  # measures of which the difference to the context control is reported


def identity_values(
    data: str, seen: Seen, pairs: Pairs, fars: Sequence[float] = FARS, resamples: int = 1000, seed: int = 0
) -> list[Value]:
    """All numbers on identity of one recogniser at one alignment; the attacker is naive.

    Args:
        data: name of the data set.
        seen: vectors of the photos.
        pairs: of the same photos, in folds.
        fars: false accept rates of operating points, some of `metrics.RATES`.
        resamples: of the bootstrap over people.
        seed: of the bootstrap.

    Returns:
        Values of part "identity". Rows "none" (clear photos, the ceiling), every method, "context" (grey boxes against
        the clear gallery) and, with "oracle" alone, "context, both sides" (grey boxes against grey boxes: gallery,
        thresholds and queries): no detector finds a face in a grey box. With "own" nothing but the count of photos left
        out where the attacker's detector gets on clear photos of fewer than two people: the oracle's numbers stand.

    Raises:
        DataError: the pairs are of other photos, or with "oracle" there are faces of fewer than two people.
        OptionError: another false accept rate.
    """
    _refuse(seen, pairs, fars)
    keep = seen.found
    names, codes = np.unique(np.asarray(seen.people)[keep], return_inverse=True)
    lost = Value("identity", data, seen.by, NONE, "left_out", seen.alignment, float((~keep).sum()), n=len(keep))
    if len(names) < 2:
        why = f"a face was found on photos of {len(names)} of the people; recognising needs two"
        if seen.alignment == ORACLE:
            raise DataError(f"{data}: {why}")
        return [replace(lost, note=f"{why}: the attacker's detector fails, or gives no keypoints")]
    counts = np.concatenate([np.ones((1, len(names))), resample(len(names), resamples, seed)])
    runs = {method: [run[keep].astype(np.float64) for run in several] for method, several in seen.runs.items()}
    reference = Reference(runs[NONE][0], codes, _kept(pairs, keep), counts, tuple(fars))
    found = {method: [measure(reference, run, seen.alignment) for run in several] for method, several in runs.items()}
    if seen.context is not None and seen.alignment == ORACLE:
        control = _control(reference, runs[CONTEXT][0], seen.alignment)
        for method in seen.anonymized:
            found[method] = [run | _over(run, control) for run in found[method]]
        found[BOTH] = [control]
    return [lost, *(value for method, several in found.items() for value in _values(data, seen.by, method, several))]


def _refuse(seen: Seen, pairs: Pairs, fars: Sequence[float]) -> None:
    if not fars or not all(far in RATES for far in fars):
        raise OptionError(f"false accept rates must be some of {', '.join(map(str, RATES))}, got {list(fars)}")
    last = int(max(pairs.first.max(), pairs.second.max())) if len(pairs) else 0
    if last >= len(seen.people):
        raise DataError(f"the pairs name photo {last}, but there are {len(seen.people)}")


def _control(reference: Reference, context: Array, alignment: str) -> Statistics:
    """What the photo alone gives away to somebody whose gallery and thresholds have grey boxes, too."""
    grey = Reference(context, reference.people, reference.pairs, reference.counts, reference.fars)
    return measure(grey, context, alignment, same_pictures=True)


def _over(run: Statistics, control: Statistics) -> Statistics:
    """Differences to the control, on the same resamples."""
    over: Statistics = {}
    for (metric, scope), own in run.items():
        if metric in OVER:
            note = "" if np.isfinite(own.values[0]) else own.note
            over[f"{metric}_over_context", scope] = Statistic(own.values - control[metric, scope].values, own.n, note)
    return over


def _values(data: str, by: str, method: str, several: Sequence[Statistics]) -> list[Value]:
    """One `Value` a measure: the mean over runs, and the interval of that mean."""
    return [
        _value(data, by, method, metric, scope, [run[metric, scope] for run in several]) for metric, scope in several[0]
    ]


def _value(data: str, by: str, method: str, metric: str, scope: str, runs: Sequence[Statistic]) -> Value:
    each = np.stack([run.values for run in runs])  # seeds, R
    mean = each.mean(axis=0)
    low, high = percentile_interval(mean[1:])
    note = next((run.note for run in runs if run.note), "")
    spread = float(np.mean([run.spread for run in runs]))
    if math.isfinite(spread):
        note = f"standard deviation over folds {spread:.4f}" + (f"; {note}" if note else "")
    value = float(mean[0])
    if math.isnan(value):
        low = high = math.nan
        note = note or NOBODY
    seeds = tuple(float(v) for v in each[:, 0]) if len(runs) > 1 else ()
    return Value("identity", data, by, method, metric, scope, value, low, high, runs[0].n, seeds, note)


def _kept(pairs: Pairs, keep: Array) -> Pairs:
    """Pairs of which both photos are kept, by their new positions."""
    new = np.cumsum(keep) - 1
    some = pairs.only(keep[pairs.first] & keep[pairs.second])
    return Pairs(new[some.first], new[some.second], some.same, some.fold)
