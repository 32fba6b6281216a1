"""Average precision by the official protocol of WIDER FACE (Yang et al. 2016; the MATLAB `eval_tools`).

What the official code does that others do not, all of it kept here:

1. Scores are moved and scaled so that those of the whole set of pictures span [0, 1]; subsets share the scale. One
   odd score anywhere moves every threshold.
2. A box from x to x + width is taken to be width + 1 pixels wide, in both directions and on both sides of the IoU. Small
   faces are matched more easily than elsewhere.
3. Detections come best score first. Each is matched with the face it overlaps most (the first in the list, if several)
   if the IoU reaches 0.5, and with no other, even if that one is already found and another would do. Nothing is
   removed from the list: a second detection of a found face is a false alarm.
4. Faces outside the subset stay in the list of faces and are ignored: a detection matched with one is struck out, however
   many there are. Invalid faces are in no subset.
5. Of a picture without any face in the list the false alarms are free. (The official list has none: a picture
   without faces has one box without size there.) If it only has ignored faces, false alarms count.
6. Precision and recall are read at 1,000 thresholds, 0.999, 0.998, ..., 0, and at no others.
7. The area is VOC's of 2010: precision made monotone from the right, summed over the steps of recall. Recall above that
   of threshold 0 counts as precision 0.

Where it breaks, and what is done here instead: if all scores are equal, the official code divides 0 by 0 and finds an AP of
0, also for perfect detections; here all scores are 1 then. Below the first detection precision is 0 / 0 and does not enter.
A picture for which nothing was handed in is an error here; there it passes as a picture without detections.

There are two official arithmetics. The Python port that most papers since 2019 quote computes in double precision. MATLAB
computes in the type of the ground truth file, int32: coordinates of detections are rounded, and so is the IoU itself, to 0 or
1. Thus a detection takes the *first* face of the list with an IoU of 0.5 or more, not the one it overlaps most; and scores
are rounded to single precision. `arithmetic="matlab"` does the same. In crowds it finds fewer faces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepanon.data.wider_truth import WiderTruth
from deepanon.detections import Detections
from deepanon.errors import DataError, DetectionError, OptionError
from deepanon.geometry import Array

IOU = 0.5
THRESHOLDS = 1 - np.arange(1, 1001) / 1000  # 0.999 ... 0; the official expression, to the last bit
ARITHMETICS = ("double", "matlab")

Found = Detections | tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class WiderTable:
    """One subset: what each picture adds to the official table. The AP of any choice of pictures follows from sums of it.

    Attributes:
        detections: (n, 1000) int32, those with a score from each of `THRESHOLDS` that are not struck out.
        hits: (n, 1000) int32, faces of the subset that these have found.
        faces: (n,) int64, faces of the subset.
    """

    detections: Array
    hits: Array
    faces: Array

    def curve(self) -> tuple[Array, Array]:
        """Precision and recall of the set at `THRESHOLDS`, (1000,) float64 each.

        Precision is 0 above the highest score, recall NaN if there is no face.
        """
        precision, recall = _curves(self.detections.sum(axis=0), self.hits.sum(axis=0), self.faces.sum())
        return precision, recall

    def average_precision(self) -> float:
        """In [0, 1]; NaN if the subset has no face."""
        return float(_area(*self.curve()))

    def resampled(self, counts: Array) -> Array:
        """Average precision of many resamples at once, without matching again.

        The scale of the scores stays that of the whole set: in a resample it is a constant of the detector, not a
        matter of which pictures were drawn.

        Args:
            counts: (R, n) how often each picture was drawn, as from `bootstrap.resample`.

        Returns:
            (R,) float64 in [0, 1], NaN where a resample holds no face.
        """
        drawn = counts.astype(np.float64)  # whole numbers far below 2**53: exact, and much faster than integers
        sums = (drawn @ part.astype(np.float64) for part in (self.detections, self.hits))
        return _area(*_curves(*sums, (drawn @ self.faces)[:, None]))


def wider_tables(truth: WiderTruth, found: Mapping[str, Found], arithmetic: str = "double") -> dict[str, WiderTable]:
    """Score a detector on every subset.

    Args:
        truth: from `read_wider_truth`, or `WiderTruth.of_photos` for other photos.
        found: for every picture of `truth`, by name, the detections in any order; ties stay in the order given. Either
            `Detections` or a pair of boxes (D, 4) x0 y0 x1 y1 and scores (D,), for scores in double precision or in
            another range, and boxes without size.
        arithmetic: "double" as in the Python port, or "matlab" as in the official code.

    Returns:
        Subset -> its table, pictures in the order of `truth`.

    Raises:
        DataError: a picture of `truth` has no entry in `found`, or `found` has a picture that `truth` has not.
        DetectionError: boxes or scores have the wrong shape, or are not finite.
        OptionError: unknown arithmetic.
    """
    if arithmetic not in ARITHMETICS:
        raise OptionError(f"unknown arithmetic {arithmetic!r}; choose one of: {', '.join(ARITHMETICS)}")
    _check_names(truth, found)
    boxes, scores = zip(*(_ordered(name, found[name]) for name in truth.names), strict=True) if len(truth) else ((), ())
    sizes = np.array([len(part) for part in scores], dtype=np.int64)
    level = _level(np.concatenate([np.zeros(0), *scores]), arithmetic)
    image = np.repeat(np.arange(len(truth)), sizes)
    face = np.concatenate([np.zeros(0, dtype=np.int64), *_matches(truth, boxes, arithmetic)])
    listed = np.array([len(part) for part in truth.boxes], dtype=np.int64)
    first = np.cumsum(listed) - listed  # of each picture's faces, if all stand in one row
    place = np.where(face >= 0, first[image] + face, -1)
    level = np.where(listed[image] > 0, level, len(THRESHOLDS))  # point 5: nothing of such a picture counts
    return {subset: _table(truth, subset, image, level, place) for subset in truth.counts}


def _table(truth: WiderTruth, subset: str, image: Array, level: Array, place: Array) -> WiderTable:
    """From (D,) picture, first threshold and matched face of every detection, best first in each picture.

    `place` counts through the faces of all pictures; -1 = none.
    """
    wanted = np.concatenate([np.zeros(0, dtype=bool), *truth.counts[subset]])
    matched = np.flatnonzero(place >= 0)
    real = wanted[place[matched]]
    struck = matched[~real]
    _, earliest = np.unique(place[matched[real]], return_index=True)  # the best detection of each face
    hits = matched[real][earliest]
    keep = np.ones(len(place), dtype=bool)
    keep[struck] = False
    return WiderTable(
        _cumulative(image[keep], level[keep], len(truth)),
        _cumulative(image[hits], level[hits], len(truth)),
        truth.faces(subset),
    )


def _cumulative(image: Array, level: Array, n: int) -> Array:
    """(n, 1000) int32: how many of picture i come in by threshold t."""
    width = len(THRESHOLDS) + 1  # the last column is for what never comes in
    table = np.bincount(image * width + level, minlength=n * width).reshape(n, width)
    return np.cumsum(table[:, :-1], axis=1, dtype=np.int32)


def _curves(detections: Array, hits: Array, faces: Array) -> tuple[Array, Array]:
    """Precision and recall, (..., 1000) each, from sums over pictures."""
    with np.errstate(invalid="ignore"):
        return hits / np.maximum(detections, 1), hits / np.asarray(faces, dtype=np.float64)


def _area(precision: Array, recall: Array) -> Array:
    """(..., 1000) -> (...): area under the curve, precision made monotone from the right."""
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray((np.diff(recall, axis=-1, prepend=0.0) * envelope).sum(axis=-1))


def _level(scores: Array, arithmetic: str) -> Array:
    """(D,) the first of `THRESHOLDS` that each score of the set reaches, after scaling to [0, 1]."""
    if not len(scores):
        return np.zeros(0, dtype=np.int64)
    scores = scores.astype(np.float32 if arithmetic == "matlab" else np.float64)
    low, high = scores.min(), scores.max()
    scaled = (scores - low) / (high - low) if high > low else np.ones_like(scores)
    return np.searchsorted(-THRESHOLDS, -scaled.astype(np.float64), side="left")


def _matches(truth: WiderTruth, boxes: tuple[Array, ...], arithmetic: str) -> Iterator[Array]:
    """For each picture (D,) int64: the face each detection is matched with, -1 = none."""
    overlaps = _overlap_matlab if arithmetic == "matlab" else _overlap
    for found, faces in zip(boxes, truth.boxes, strict=True):
        if not len(found) or not len(faces):
            yield np.full(len(found), -1, dtype=np.int64)
            continue
        overlap = overlaps(found, faces)
        best = overlap.argmax(axis=1)
        yield np.where(overlap[np.arange(len(best)), best] >= IOU, best, -1)


def _overlap(found: Array, faces: Array) -> Array:
    """(D, 4), (N, 4) -> (D, N) IoU of boxes that include their far edges."""
    a, b = found.T[:, :, None], faces.T[:, None, :]  # 4,D,1 and 4,1,N
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0]) + 1
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1]) + 1
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = _size(a) + _size(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def _overlap_matlab(found: Array, faces: Array) -> Array:
    """The same in MATLAB's int32: every result is rounded, halves away from zero. (D, N), 0 or 1."""
    a, b = found.T[:, :, None], faces.T[:, None, :]
    whole = _round(a)
    width = np.minimum(whole[2], b[2]) - np.maximum(whole[0], b[0]) + 1
    height = np.minimum(whole[3], b[3]) - np.maximum(whole[1], b[1]) + 1
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = _round(_size(a) + _size(b)) - shared  # the size of a detection alone is not rounded
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(shared > 0, _round(shared / union), 0.0)


def _size(sides: Array) -> Array:
    return (sides[2] - sides[0] + 1) * (sides[3] - sides[1] + 1)


def _round(values: Array) -> Array:
    return np.trunc(values + np.copysign(0.5, values))


def _ordered(name: str, found: Found) -> tuple[Array, Array]:
    """Boxes and scores of one picture in double precision, best first, ties in the order given."""
    pair = (found.boxes, found.scores) if isinstance(found, Detections) else found
    boxes, scores = (np.asarray(part, dtype=np.float64) for part in pair)
    boxes = boxes.reshape(0, 4) if not boxes.size else boxes
    if scores.ndim != 1 or boxes.shape != (len(scores), 4):
        raise DetectionError(f"{name}: expected boxes (D, 4) and scores (D,), got {boxes.shape} and {scores.shape}")
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise DetectionError(f"{name}: boxes and scores must be finite")
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order]


def _check_names(truth: WiderTruth, found: Mapping[str, Found]) -> None:
    missing = [name for name in truth.names if name not in found]
    if missing:
        raise DataError(
            f"no detections for {len(missing)} of {len(truth)} pictures, the first is {missing[0]}; "
            "hand in an empty entry where nothing was found, or choose pictures with truth.only(names)"
        )
    if len(found) > len(truth):
        extra = next(name for name in found if name not in set(truth.names))
        raise DataError(f"detections for {extra}, which is not a picture of the ground truth ({len(truth)} pictures)")
