"""From vectors to the numbers of a report: who is recognised after anonymization, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from deepanon.data.pairs import Pairs
from deepanon.errors import DataError, OptionError
from deepanon.evaluation.bootstrap import percentile_interval, resample
from deepanon.evaluation.identity.measures import Statistic, Statistics, measure
from deepanon.evaluation.identity.reference import Reference
from deepanon.evaluation.observing.variants import CONTEXT, NONE
from deepanon.evaluation.observing.vectors import ALIGNMENTS
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

BOTH = "context, both sides"  # the control with grey boxes in the gallery too
FARS = (1e-2, 1e-3)
OVER = ("rank_1", "pair_auc")  # measures of which the difference to the context control is reported


def identity_values(
    data: str,
    by: str,
    people: Sequence[str],
    originals: Array,
    anonymized: Mapping[str, Sequence[Array]],
    context: Array | None,
    pairs: Pairs,
    alignment: str,
    fars: Sequence[float] = FARS,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Value]:
    """All numbers on identity of one recogniser at one alignment; the attacker is naive.

    Args:
        data: name of the data set.
        by: name of the recogniser.
        people: (N,) who is in each photo.
        originals: (N, D) unit vectors of the untouched photos; photos with NaN rows are left out on both sides.
        anonymized: method -> one (N, D) for every seed; NaN rows where no face was found.
        context: (N, D) of the photos with every face box grey, or None without this control.
        pairs: of the N photos, in folds.
        alignment: with which the vectors were made, "oracle" or "own".
        fars: false accept rates of operating points.
        resamples: of the bootstrap over people.
        seed: of the bootstrap.

    Returns:
        Values of part "identity". Rows "none" (clear photos, the ceiling), every method, "context" (grey boxes against
        the clear gallery) and, with "oracle" alone, "context, both sides" (grey boxes against grey boxes: gallery,
        thresholds and queries): no detector finds a face in a grey box.

    Raises:
        DataError: arrays that do not fit together, vectors that are no unit vectors, fewer than two people, or with
            "oracle" a photo whose anonymized face has no vector though the original has.
        OptionError: unknown alignment, or a rate that is none.
    """
    if alignment not in ALIGNMENTS:
        raise OptionError(f"unknown alignment {alignment!r}; choose one of: {', '.join(ALIGNMENTS)}")
    if not fars or not all(0 < far < 1 for far in fars):
        raise OptionError(f"false accept rates must lie between 0 and 1, got {list(fars)}")
    runs = {NONE: [originals], **anonymized, **({} if context is None else {CONTEXT: [context]})}
    _check(runs, people, pairs)
    keep = np.asarray(np.isfinite(originals).all(axis=1))
    names, codes = np.unique(np.asarray(people)[keep], return_inverse=True)
    if len(names) < 2:
        raise DataError(
            f"{data}: a face was found on photos of {len(names)} of the people; recognising needs two at least"
        )
    runs = {method: [run[keep].astype(np.float64) for run in several] for method, several in runs.items()}
    if alignment == "oracle":
        _check_oracle(runs)
    counts = np.concatenate([np.ones((1, len(names))), resample(len(names), resamples, seed)])
    reference = Reference(runs[NONE][0], codes, _kept(pairs, keep), counts, tuple(fars))
    found = {method: [measure(reference, run, alignment) for run in several] for method, several in runs.items()}
    values = [Value("identity", data, by, NONE, "left_out", alignment, float((~keep).sum()), n=len(keep))]
    for method, several in found.items():
        values += _values(data, by, method, several)
    if context is not None and alignment == "oracle":
        grey = Reference(runs[CONTEXT][0], codes, reference.pairs, counts, reference.fars)
        control = measure(grey, grey.gallery, alignment, same_pictures=True)
        values += _values(data, by, BOTH, [control])
        for method in anonymized:
            values += _values(data, by, method, _over(found[method], control))
    return values


def _over(several: Sequence[Statistics], control: Statistics) -> list[Statistics]:
    """Differences to the control that has grey boxes on both sides, on the same resamples."""
    return [
        {
            (f"{key[0]}_over_context", key[1]): Statistic(
                own.values - control[key].values, own.n, "" if np.isfinite(own.values[0]) else own.note
            )
            for key, own in run.items()
            if key[0] in OVER
        }
        for run in several
    ]


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
        note = note or "no face was found in any of the photos that count"
    seeds = tuple(float(v) for v in each[:, 0]) if len(runs) > 1 else ()
    return Value("identity", data, by, method, metric, scope, value, low, high, runs[0].n, seeds, note)


def _kept(pairs: Pairs, keep: Array) -> Pairs:
    """Pairs of which both photos are kept, by their new positions."""
    new = np.cumsum(keep) - 1
    some = pairs.only(keep[pairs.first] & keep[pairs.second])
    return Pairs(new[some.first], new[some.second], some.same, some.fold)


def _check(runs: Mapping[str, Sequence[Array]], people: Sequence[str], pairs: Pairs) -> None:
    shape = runs[NONE][0].shape
    if len(shape) != 2 or len(people) != shape[0]:
        raise DataError(f"{len(people)} names for vectors of shape {shape}; expected (N, D) and N names")
    for method, several in runs.items():
        if not several:
            raise DataError(f"method {method!r} has no run")
        for run in several:
            if run.shape != shape:
                raise DataError(f"vectors of {method!r} have shape {run.shape}, those of the originals {shape}")
            norms = np.linalg.norm(run, axis=1)
            if np.isinf(run).any() or (np.abs(norms[~np.isnan(norms)] - 1) > 1e-3).any():
                raise DataError(f"vectors of {method!r} are not of unit length")
    if len(pairs) and max(pairs.first.max(), pairs.second.max()) >= shape[0]:
        raise DataError(f"the pairs name photo {max(pairs.first.max(), pairs.second.max())}, but there are {shape[0]}")


def _check_oracle(runs: Mapping[str, Sequence[Array]]) -> None:
    """With the original's box and keypoints every face can be cut again; if not, vectors and photos got mixed up."""
    for method, several in runs.items():
        for run in several:
            if np.isnan(run).any():
                row = int(np.isnan(run).any(axis=1).argmax())
                raise DataError(
                    f"alignment 'oracle': {method!r} has no vector for photo {row}, though the original has"
                )
