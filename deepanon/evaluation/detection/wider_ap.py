"""Average precision by the official protocol of WIDER FACE (Yang et al. 2016; the MATLAB `eval_tools`).

What the official code does that others do not, all of it kept here:

1. Scores are moved and scaled so that those of the whole set of pictures span [0, 1]; subsets share the scale. One odd
   score anywhere moves every threshold.
2. A box from x to x + width is taken to be width + 1 pixels wide, in both directions and on both sides of the IoU.
   Small faces are matched more easily than elsewhere.
3. Detections come best score first. Each is matched with the face it overlaps most (the first in the list, if several)
   if the IoU reaches 0.5, and with no other, even if that one is already found and another would do. Nothing is removed
   from the list: a second detection of a found face is a false alarm.
4. Faces outside the subset stay in the list of faces and are ignored: a detection matched with one is struck out,
   however many there are. Invalid faces are in no subset.
5. Of a picture without any box in the list the false alarms are free. (The official list has none: a picture without
   faces has one box without size there.) If it only has ignored faces, false alarms count.
6. Precision and recall are read at 1,000 thresholds, 0.999, 0.998, ..., 0, and at no others.
7. The area is VOC's of 2010: precision made monotone from the right, summed over the steps of recall. Recall above that
   of threshold 0 counts as precision 0.

Where it breaks, and what is done here instead:

- If all scores are equal, the official code divides 0 by 0 and finds an AP of 0, also for perfect detections. Here all
  scores are 1 then.
- The Python port takes the detections in the order of the file; here, as in MATLAB, they are sorted, ties as given. The
  port's range of scores also starts at 1 or below and ends at 0 or above; of scores in [0, 1] that is nothing new.
- A picture without a file of detections passes there as one where nothing was found. Here it is an error.

Two arithmetics are in use, see `wider_match`; their APs may differ by as much as one percent of AP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepanon.data.wider_truth import WiderTruth
from deepanon.detections import Detections
from deepanon.errors import DataError, DetectionError, OptionError
from deepanon.evaluation.detection.wider_match import ARITHMETICS, DOUBLE, MATLAB, match
from deepanon.geometry import Array

THRESHOLDS = 1 - np.arange(1, 1001) / 1000  # 0.999 ... 0; the official expression, to the last bit

Found = Detections | tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class WiderTable:
    """One subset: what each picture adds to the official table, so that any choice of pictures is a sum.

    Attributes:
        detections: (n, 1000) int32, those that reach each of `THRESHOLDS` and are not struck out.
        hits: (n, 1000) int32, faces of the subset that these have found.
        faces: (n,) int64, faces of the subset.
    """

    detections: Array
    hits: Array
    faces: Array

    def curve(self) -> tuple[Array, Array]:
        """Precision and recall of the set at `THRESHOLDS`, (1000,) float64 each.

        Precision is 0 where nothing is detected, recall NaN if there is no face.
        """
        return _curve(self.detections.sum(axis=0), self.hits.sum(axis=0), self.faces.sum())

    def average_precision(self) -> float:
        """In [0, 1]; NaN if the subset has no face."""
        return float(_area(*self.curve()))

    @property
    def n_faces(self) -> int:
        """How many there are to find."""
        return int(self.faces.sum())

    def resampled(self, counts: Array) -> Array:
        """Average precision of many resamples at once, without matching again.

        The scale of the scores stays that of the whole set: it belongs to the detector, not to the pictures drawn.

        Args:
            counts: (R, n) how often each picture was drawn, as from `bootstrap.resample`.

        Returns:
            (R,) float64 in [0, 1], NaN where a resample holds no face.
        """
        drawn = counts.astype(np.float64)  # whole numbers far below 2**53: exact, and much faster than integers
        detections, hits = (drawn @ part.astype(np.float64) for part in (self.detections, self.hits))
        return _area(*_curve(detections, hits, (drawn @ self.faces)[:, None]))


@dataclass(frozen=True, eq=False)
class _Flat:
    """All detections of all pictures in one row, best first within each picture.

    Attributes:
        image: (D,) which picture.
        level: (D,) the first of `THRESHOLDS` that it reaches; 1000 if it never counts.
        face: (D,) what it is matched with, counting through the faces of all pictures; -1 = nothing.
    """

    image: Array
    level: Array
    face: Array

    def table(self, wanted: Array, faces: Array) -> WiderTable:
        """One subset: `wanted` (F,) of all faces of all pictures, `faces` (n,) how many that is in each."""
        matched = np.flatnonzero(self.face >= 0)
        real = wanted[self.face[matched]]
        counts = np.ones(len(self.face), dtype=bool)
        counts[matched[~real]] = False  # struck out
        found = matched[real]
        best = found[np.unique(self.face[found], return_index=True)[1]]  # the first to find each face
        return WiderTable(self._cumulative(counts, len(faces)), self._cumulative(best, len(faces)), faces)

    def _cumulative(self, rows: Array, n: int) -> Array:
        """(n, 1000) int32: how many of `rows` are in picture i and reach threshold t."""
        width = len(THRESHOLDS) + 1  # the last column is for what never counts
        cells = np.bincount(self.image[rows] * width + self.level[rows], minlength=n * width).reshape(n, width)
        return np.cumsum(cells[:, :-1], axis=1, dtype=np.int32)


def wider_tables(truth: WiderTruth, found: Mapping[str, Found], arithmetic: str = DOUBLE) -> dict[str, WiderTable]:
    """Score a detector on every subset.

    Args:
        truth: from `read_wider_truth`, or `WiderTruth.of_photos` for other photos.
        found: the detections in every picture of `truth`, by its name, in any order. Either `Detections` or a pair of
            boxes (D, 4) x0 y0 x1 y1 and scores (D,): scores may then have any range and double precision, and boxes no
            size.
        arithmetic: "double" or "matlab", see `wider_match`.

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
    flat = _flatten(truth, [_ordered(name, found[name]) for name in truth.names], arithmetic)
    return {subset: flat.table(np.concatenate(wanted), truth.faces(subset)) for subset, wanted in truth.counts.items()}


def _flatten(truth: WiderTruth, found: list[tuple[Array, Array]], arithmetic: str) -> _Flat:
    """Match every picture's (boxes, scores) and put them in one row."""
    image = np.repeat(np.arange(len(truth)), [len(scores) for _, scores in found])
    listed = np.array([len(faces) for faces in truth.boxes])
    before = np.cumsum(listed) - listed  # faces of the pictures before each
    face = np.concatenate(
        [match(boxes, faces, arithmetic) for (boxes, _), faces in zip(found, truth.boxes, strict=True)]
    )
    level = _levels(np.concatenate([scores for _, scores in found]), arithmetic)
    level[listed[image] == 0] = len(THRESHOLDS)
    return _Flat(image, level, np.where(face >= 0, before[image] + face, -1))


def _levels(scores: Array, arithmetic: str) -> Array:
    """(D,) int64: the first of `THRESHOLDS` that each score of the set reaches, once they span [0, 1]."""
    scores = scores.astype(np.float32 if arithmetic == MATLAB else np.float64)
    low, high = (scores.min(), scores.max()) if len(scores) else (0, 0)
    scaled = (scores - low) / (high - low) if high > low else np.ones_like(scores)
    return np.searchsorted(-THRESHOLDS, -scaled.astype(np.float64), side="left")


def _curve(detections: Array, hits: Array, faces: Array) -> tuple[Array, Array]:
    """Precision and recall, (..., 1000) each, from sums over pictures."""
    with np.errstate(invalid="ignore"):
        return hits / np.maximum(detections, 1), hits / np.asarray(faces, dtype=np.float64)


def _area(precision: Array, recall: Array) -> Array:
    """(..., 1000) -> (...): area under the curve, precision made monotone from the right."""
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray((np.diff(recall, axis=-1, prepend=0.0) * envelope).sum(axis=-1))


def _ordered(name: str, found: Found) -> tuple[Array, Array]:
    """Boxes and scores of one picture in double precision, best first, ties in the order given."""
    pair = (found.boxes, found.scores) if isinstance(found, Detections) else found
    boxes, scores = (np.asarray(part, dtype=np.float64) for part in pair)
    boxes = boxes if boxes.size else boxes.reshape(0, 4)
    if scores.ndim != 1 or boxes.shape != (len(scores), 4):
        raise DetectionError(f"{name}: expected boxes (D, 4) and scores (D,), got {boxes.shape} and {scores.shape}")
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise DetectionError(f"{name}: boxes and scores must be finite")
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order]


def _check_names(truth: WiderTruth, found: Mapping[str, Found]) -> None:
    if not len(truth):
        raise DataError("the ground truth has no picture: there is nothing to find")
    missing = [name for name in truth.names if name not in found]
    if missing:
        raise DataError(
            f"no detections for {len(missing)} of {len(truth)} pictures, the first is {missing[0]}; "
            "hand in an empty entry where nothing was found, or choose pictures with truth.only(names)"
        )
    extra = found.keys() - set(truth.names)
    if extra:
        raise DataError(
            f"detections for {min(extra)}, which is not one of the {len(truth)} pictures of the ground truth"
        )
