"""What a detector still finds, and where: numbers of all methods, from detections alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.errors import DataError, OptionError
from deepanon.evaluation.observing.variants import NONE
from deepanon.evaluation.utility.bins import LABELS, UNKNOWN, bins_of, photo_of
from deepanon.evaluation.utility.faces import Found, compare
from deepanon.evaluation.utility.matching import IOU
from deepanon.evaluation.utility.means import PhotoMeans, to_value
from deepanon.evaluation.utility.pose import yaw
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

LANDMARKS = ("landmark_distance", "nme", "landmark_auc", "landmark_failures")
POSES = ("pose", "pose_failures")
EVERY = ("detected", "landmark_auc", "landmark_failures", "pose_failures")  # faces not found again count in these


def utility_values(
    data: str,
    by: str,
    photos: Sequence[AnnotatedPhoto],
    originals: Sequence[Detections],
    anonymized: Mapping[str, Sequence[Sequence[Detections]]],
    threshold: float,
    resamples: int = 1000,
    seed: int = 0,
    labels: Sequence[str] = LABELS,
) -> list[Value]:
    """Compare what a detector finds on the original and on the anonymized pictures, face by face.

    Counted are annotated faces that are not ignored and that the detector finds on the original: a detection of at
    least `threshold` and an IoU of at least 0.5 with the annotated box, best first, one to one. Distances are means
    over those found again, in the same way; how many these are stands beside every one. Intervals are paired
    bootstraps over photos.

    Args:
        data: name of the set.
        by: name of the detector.
        photos: with annotations.
        originals: its detections on every original.
        anonymized: by method, then one entry a seed, then one a photo.
        threshold: lowest score that counts: the detector's own default.
        resamples: of the bootstrap.
        seed: of the bootstrap.
        labels: columns of the annotation by which faces are told apart.

    Returns:
        Values of every method and bin; NaN with a note where no face is left.

    Raises:
        DataError: no photo, or not one entry a photo.
        OptionError: the threshold is no score.
        SchemaError: the keypoints differ between the pictures.
    """
    if not 0 <= threshold <= 1:
        raise OptionError(f"threshold must lie between 0 and 1, got {threshold}")
    owners = photo_of(photos)
    before = Found.of(photos, originals, threshold)
    bins = bins_of(photos, yaw(before.poses), labels)
    if not (bins.get(UNKNOWN, before.there) & before.there).any():
        bins.pop(UNKNOWN, None)  # of faces that are not found at all, nothing follows
    means = PhotoMeans(owners, len(photos), resamples, seed)
    blank = Value("utility", data, by, NONE, "found", value=0.0)
    found = [
        to_value(replace(blank, scope=scope), means([before.there], chosen), f"of {chosen.sum()} annotated faces")
        for scope, chosen in bins.items()
        if not scope.startswith("yaw")  # which is known of faces that were found, and of no other
    ]
    for method, seeds in anonymized.items():
        if not seeds:
            raise DataError(f"no detections of method {method!r}")
        tables = [compare(before, Found.of(photos, one, threshold)) for one in seeds]
        table = _Table(replace(blank, method=method), before, tables, means)
        found.extend(value for scope, chosen in bins.items() for value in table.values(scope, chosen))
    return found


def yaws_of(photos: Sequence[AnnotatedPhoto], originals: Sequence[Detections], threshold: float) -> Array:
    """(F,) degrees to which the annotated faces that count are turned, as a detector says; NaN where it does not."""
    return yaw(Found.of(photos, originals, threshold).poses)


@dataclass(frozen=True, eq=False)
class _Table:
    """What happened to every face with one method: one mapping of (F,) values a seed."""

    blank: Value
    before: Found
    seeds: Sequence[Mapping[str, Array]]
    means: PhotoMeans

    def values(self, scope: str, chosen: Array) -> Iterator[Value]:
        """All metrics of one bin."""
        base = int((chosen & self.before.there).sum())
        again = self.means([seed["detected"] for seed in self.seeds], chosen)
        rate = f"{again.value:.1%} of {base} faces found again"
        for metric in self.seeds[0]:
            mean = self.means([seed[metric] for seed in self.seeds], chosen)
            said = f"of {base} faces found on the original (IoU {IOU}, one to one)" if metric in EVERY else rate
            yield to_value(replace(self.blank, metric=metric, scope=scope), mean, self._why(metric, base) or said)

    def _why(self, metric: str, base: int) -> str:
        """Why there is no such number."""
        if not base:
            return "no face of this kind is found on the original"
        if metric in LANDMARKS and not np.isfinite(self.before.landmarks).any():
            return "the detector gives no landmarks"
        if metric in POSES and not np.isfinite(self.before.poses).any():
            return f"no head pose from keypoints of schema {self.before.schema.name!r}"
        return ""
