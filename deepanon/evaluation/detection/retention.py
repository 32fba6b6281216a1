"""Detector-AP retention (DeepPrivacy, section 4): how well a face detector still works on anonymized pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from deepanon.data.wider import AnnotatedPhoto
from deepanon.data.wider_truth import SUBSETS
from deepanon.detections import Detections
from deepanon.evaluation.bootstrap import percentile_interval, ratios
from deepanon.evaluation.detection.scoring import Scoring, Table
from deepanon.evaluation.observing.variants import JPEG, NONE
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

MEAN = "mean of subsets"  # of WIDER FACE
COVERED = 0.5  # share of a face's pixels that must differ for it to count as changed


@dataclass(frozen=True, eq=False)
class _Row:
    """One method under one way to count: AP, or what is retained of it.

    Attributes:
        seeds: (S,) of every seed.
        resampled: (R,) mean of all seeds, on every resample.
    """

    seeds: Array
    resampled: Array

    @classmethod
    def of(cls, tables: Sequence[Table], counts: Array) -> _Row:
        """Average precision of the tables of all seeds."""
        return cls(
            np.array([table.average_precision() for table in tables]),
            np.mean([table.resampled(counts) for table in tables], axis=0),
        )

    def over(self, base: _Row) -> _Row:
        """What is retained of `base`."""
        return _Row(self.seeds / base.seeds, ratios(self.resampled, base.resampled))

    def less(self, other: _Row) -> _Row:
        """The difference of the means over seeds."""
        return _Row(np.array([self.seeds.mean() - other.seeds.mean()]), self.resampled - other.resampled)

    @classmethod
    def mean(cls, rows: Sequence[_Row]) -> _Row:
        """The mean of several rows, such as those of subsets, seed by seed."""
        return cls(np.mean([row.seeds for row in rows], axis=0), np.mean([row.resampled for row in rows], axis=0))


def detection_values(
    data: str,
    by: str,
    score: Scoring,
    originals: Sequence[Detections],
    anonymized: Mapping[str, Sequence[Sequence[Detections]]],
    counts: Array,
    reference: str = "gan",
) -> list[Value]:
    """AP, retention, and the difference in retention to a reference method, each with a 95 % interval.

    The bootstrap is paired: originals and all methods are measured on the same resamples of photos, so what makes a
    photo easy or hard for all of them cancels out. Seeds are averaged within each resample; their own variation is in
    `Value.seeds`.

    Args:
        data: name of the set.
        by: name of the detector.
        score: from `scoring`.
        originals: what it finds on every untouched photo.
        anonymized: method -> seed -> what it finds on every anonymized photo.
        counts: (R, n) from `bootstrap.resample`.
        reference: method that the others are compared with; if it is not measured, nothing is compared.

    Returns:
        `ap`, `retention` and `difference` of every method in every scope; where the detector finds nothing on the
        originals, or a subset has no face, values without a number that say so. With WIDER's subsets, retention is also
        given as their mean: what the paper prints as retained fits that mean of its own APs (99.3 and 41.4 do).
    """
    before = score(originals)
    after = {method: [score(found) for found in seeds] for method, seeds in anonymized.items()}
    values: list[Value] = []
    retained: dict[str, dict[str, _Row]] = {}
    for scope, table in before.items():
        make = partial(Value, "detection", data, by, scope=scope, n=table.n_faces)
        if fault := _fault(by, table):
            values += [make(method, metric=metric, note=fault) for method in after for metric in ("ap", "retention")]
            continue
        base = _Row.of([table], counts)
        rows = {method: _Row.of([tables[scope] for tables in seeds], counts) for method, seeds in after.items()}
        values += [_value(partial(make, method), "ap", row) for method, row in rows.items()]
        retained[scope] = {method: row.over(base) for method, row in rows.items()}
        values += _retained(make, retained[scope], reference)
    if retained.keys() >= set(SUBSETS):
        means = {method: _Row.mean([retained[subset][method] for subset in SUBSETS]) for method in after}
        values += _retained(
            partial(Value, "detection", data, by, scope=MEAN, n=before["hard"].n_faces), means, reference
        )
    return values


def _retained(make: Callable[..., Value], rows: Mapping[str, _Row], reference: str) -> Iterator[Value]:
    """Retention of every method, and its difference to the reference method."""
    for method, row in rows.items():
        yield _value(partial(make, method), "retention", row)
        if reference in rows and method != reference:
            yield _value(partial(make, method), "difference", row.less(rows[reference]), f"less {reference}")


def coverage_values(
    data: str, photos: Sequence[AnnotatedPhoto], seen: Mapping[str, Sequence[Sequence[Mapping[str, Array]]]]
) -> list[Value]:
    """How many faces each method changed, how many boxes it was given, and how many of those had keypoints.

    Args:
        data: name of the set.
        photos: annotated.
        seen: method -> seed -> what `Changes` saw of every photo; references, which replace nothing, are left out.
    """
    counted = [~photo.ignored for photo in photos]
    faces = int(sum(chosen.sum() for chosen in counted))
    values = []
    for method, seeds in seen.items():
        if method in (NONE, JPEG):
            continue
        make = partial(Value, "detection", data, "pixels", method)
        shares = [
            sum(int((entry["shares"][chosen] > COVERED).sum()) for entry, chosen in zip(entries, counted, strict=True))
            for entries in seeds
        ]
        known = np.concatenate([entry["keypoints"] for entry in seeds[0]])
        if faces:
            values.append(_value(partial(make, n=faces), "coverage", _Row(np.array(shares) / faces, np.zeros(0))))
        values.append(make(metric="replaced", value=len(known)))
        if len(known):
            values.append(make(metric="keypoints", value=float(known.mean()), n=len(known)))
    return values


def _value(make: Callable[..., Value], metric: str, row: _Row, note: str = "") -> Value:
    """The mean over seeds, with the interval of the resamples if there are any."""
    low, high = percentile_interval(row.resampled) if len(row.resampled) else (math.nan, math.nan)
    several = tuple(float(seed) for seed in row.seeds) if len(row.seeds) > 1 else ()
    return make(metric=metric, value=float(row.seeds.mean()), low=low, high=high, seeds=several, note=note)


def _fault(by: str, table: Table) -> str:
    """Why nothing can be said in one scope; empty if something can."""
    if not table.n_faces:
        return "no face of this size or subset"
    if not table.average_precision() > 0:
        return f"{by} finds none of the {table.n_faces} faces on the originals"
    return ""
