"""Average precision of a face detector: matching in one picture, and the area under precision over recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections
from deepanon.geometry import Array

CHUNK = 2_000_000  # values in a table of resamples x detections; bounds memory at some 50 MB


@dataclass(frozen=True, eq=False)
class Scored:
    """How the detections of one picture compare with its faces.

    Attributes:
        scores: (D,) float64 of the detections that count.
        hits: (D,) bool, true where the detection found a face that no better-scored one had found.
        faces: how many faces there are to find.
    """

    scores: Array
    hits: Array
    faces: int


def score(found: Detections, boxes: Array, ignored: Array, threshold: float = 0.5) -> Scored:
    """Match detections to faces greedily, best score first, as COCO's evaluation does.

    A detection takes the free face it overlaps most, if the IoU reaches `threshold`. If there is none, and at least
    `threshold` of its own area lies in one ignored box, it counts neither way; an ignored box may excuse many.

    Args:
        found: the detections of one picture.
        boxes: (N, 4) annotated boxes in pixels.
        ignored: (N,) bool, faces that need not be found.
        threshold: smallest overlap in (0, 1].
    """
    order = np.argsort(-found.scores, kind="stable")
    real = boxes[~ignored]
    overlap = geometry.iou(found.boxes[order], real)
    inside = geometry.intersection(found.boxes[order], boxes[ignored]) / geometry.area(found.boxes[order])[:, None]
    excused = (inside >= threshold).any(axis=1)
    hits = np.zeros(len(order), dtype=bool)
    for i in range(len(order) if len(real) else 0):
        best = int(overlap[i].argmax())
        if overlap[i, best] >= threshold:
            hits[i] = True
            overlap[:, best] = -1  # taken
    counts = hits | ~excused
    return Scored(found.scores[order][counts].astype(np.float64), hits[counts], len(real))


def average_precision(scores: Array, true_positive: Array, n_faces: int) -> float:
    """Area under the precision-recall curve, every point used, precision made monotone from the right.

    Detections of one score enter together, so the order of ties does not matter.

    Args:
        scores: (D,) of all detections that count, any order.
        true_positive: (D,) bool.
        n_faces: faces there are to find.

    Returns:
        In [0, 1]; NaN if there is no face.
    """
    image = np.zeros(len(scores), dtype=np.int64)
    return float(_areas(np.asarray(scores), np.asarray(true_positive), image, np.array([n_faces]), np.ones((1, 1)))[0])


def resampled_average_precision(pictures: list[Scored], counts: Array) -> Array:
    """Average precision of many resamples of a set of pictures at once.

    Args:
        pictures: n of them.
        counts: (R, n) how often each picture was drawn; a row of ones is the set itself.

    Returns:
        (R,) float64 in [0, 1], NaN where a resample holds no face.
    """
    scores = np.concatenate([picture.scores for picture in pictures])
    hits = np.concatenate([picture.hits for picture in pictures])
    image = np.repeat(np.arange(len(pictures)), [len(picture.scores) for picture in pictures])
    faces = np.array([picture.faces for picture in pictures])
    step = max(1, CHUNK // max(1, len(scores)))
    parts = [_areas(scores, hits, image, faces, counts[start : start + step]) for start in range(0, len(counts), step)]
    return np.concatenate(parts)


def _areas(scores: Array, hits: Array, image: Array, faces: Array, counts: Array) -> Array:
    """(R,) area under each resample's curve; `image` (D,) says which picture a detection belongs to."""
    total = (counts @ faces).astype(np.float64)  # R
    if not len(scores):
        return np.where(total > 0, 0.0, np.nan)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) < 0, True)  # of all detections with one score
    weight = counts[:, image[order]].astype(np.float64)  # R,D
    found = np.cumsum(weight * hits[order], axis=1)[:, last]
    drawn = np.cumsum(weight, axis=1)[:, last]
    precision = found / np.maximum(drawn, 1)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    gained = np.diff(found, axis=1, prepend=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((gained * envelope).sum(axis=1) / total)
