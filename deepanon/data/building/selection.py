"""Which of the faces found in a photo become crops, and why the others do not (DeepPrivacy, dataset generation)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections, KeypointSchema
from deepanon.errors import OptionError
from deepanon.geometry import Array

SAME_FACE = 0.5  # IoU from which two boxes mark one face
NESTED = 0.8  # … or this share of the smaller box lies in the larger one
MUST_BE_INSIDE = ("left eye", "right eye", "nose")


@dataclass(frozen=True)
class Rules:
    """The thresholds of a set.

    Attributes:
        resolution: side of the crops in pixels.
        min_side: smallest side of the crop in the photo, in pixels; at least `resolution`, so that nothing is enlarged.
        min_score: lowest detector score.

    Raises:
        OptionError: an impossible value.
    """

    resolution: int = 128
    min_side: int = 128
    min_score: float = 0.95

    def __post_init__(self) -> None:
        if self.resolution < 8:
            raise OptionError(f"resolution must be at least 8 pixels, got {self.resolution}")
        if self.min_side < self.resolution:
            raise OptionError(
                f"min_side {self.min_side} is below the resolution {self.resolution}: crops would be enlarged"
            )
        if not 0 <= self.min_score <= 1:
            raise OptionError(f"min_score must lie in [0, 1], got {self.min_score}")


@dataclass(frozen=True)
class Selection:
    """What became of the faces of one photo.

    Attributes:
        rows: indices of the faces to cut, best score first.
        others: for each of them, how many other faces its crop shows.
        dropped: reason -> number of faces left out for it.
    """

    rows: list[int]
    others: list[int]
    dropped: Counter[str]


def select(faces: Detections, width: int, height: int, rules: Rules) -> Selection:
    """Judge every face of a `width` x `height` photo, best score first; each face counts once, for the first reason."""
    order = [int(row) for row in np.argsort(-faces.scores, kind="stable")]
    twice = _found_twice(faces.boxes, order)
    reasons = {row: _reason(faces[row], row in twice, width, height, rules) for row in order}
    rows = [row for row in order if not reasons[row]]
    visible = [row for row in order if row not in twice and faces.scores[row] >= rules.min_score]
    others = [_neighbours(faces.boxes, row, visible, width, height) for row in rows]
    return Selection(rows, others, Counter(reason for reason in reasons.values() if reason))


def whole_boxes(boxes: Array, width: int, height: int) -> Array:
    """Boxes as `crops.cut` sees them: clipped to the photo, edges on whole pixels outward; (N, 4) int64."""
    return geometry.outward(geometry.clip(boxes, width, height))


def _reason(face: Detections, twice: bool, width: int, height: int, rules: Rules) -> str:
    """Why this face is left out, or ""."""
    return next(_objections(face, twice, width, height, rules), "")


def _objections(face: Detections, twice: bool, width: int, height: int, rules: Rules) -> Iterator[str]:
    if face.scores[0] < rules.min_score:
        yield f"score below {rules.min_score:g}"
    if twice:
        yield "found twice"
    if not face.has_keypoints[0]:
        yield "keypoints unknown"
    if not geometry.inside(face.boxes, width, height)[0]:
        yield "outside the photo"
    box = whole_boxes(face.boxes, width, height)[0]  # a face that the border cuts keeps its half box
    if not _holds_eyes_and_nose(box, face.points[0], face.schema):
        yield "eyes or nose outside the box"
    if max(box[2:] - box[:2]) > min(width, height):
        yield "crop would leave the photo"
    region = geometry.crop_region(box, width, height)
    if region[2] - region[0] < rules.min_side:
        yield f"crop smaller than {rules.min_side} px"


def _holds_eyes_and_nose(box: Array, points: Array, schema: KeypointSchema) -> bool:
    chosen = points[[schema.points.index(name) for name in MUST_BE_INSIDE]]
    return bool(((chosen >= box[:2]) & (chosen <= box[2:])).all())


def _found_twice(boxes: Array, order: list[int]) -> set[int]:
    """Rows whose box marks a face that a better-scored row marks already."""
    smaller = np.minimum(geometry.area(boxes)[:, None], geometry.area(boxes)[None])
    share = geometry.intersection(boxes, boxes) / np.maximum(smaller, np.finfo(np.float64).tiny)
    same = (geometry.iou(boxes, boxes) >= SAME_FACE) | (share >= NESTED)
    kept: list[int] = []
    for row in order:
        if not same[row, kept].any():
            kept.append(row)
    return set(order) - set(kept)


def _neighbours(boxes: Array, row: int, visible: list[int], width: int, height: int) -> int:
    region = geometry.crop_region(whole_boxes(boxes[row : row + 1], width, height)[0], width, height)
    others = [other for other in visible if other != row]
    return int((geometry.intersection(boxes[others], region[None]) > 0).sum())
