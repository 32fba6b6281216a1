"""All annotated faces of a set as one table, and what happened to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deepanon import geometry
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections, KeypointSchema
from deepanon.errors import DataError, SchemaError
from deepanon.evaluation.utility.matching import find
from deepanon.evaluation.utility.pose import head_poses, pose_distance
from deepanon.geometry import Array

FAILURE = 0.08  # NME above which landmarks count as lost (FDeID, after 300-W)
FACIAL = ("eye", "nose", "mouth", "ear")  # points of other kinds do not count as landmarks


@dataclass(frozen=True, eq=False)
class Found:
    """What a detector found of every annotated face of a set that counts.

    Attributes:
        there: (F,) bool, whether it was found.
        boxes: (F, 4) float64, NaN where it was not.
        points: (F, K, 2) float64, NaN where it was not or a point is unknown.
        schema: of the points.
    """

    there: Array
    boxes: Array
    points: Array
    schema: KeypointSchema

    @classmethod
    def of(cls, photos: Sequence[AnnotatedPhoto], detections: Sequence[Detections], threshold: float) -> Found:
        """Look every face up; see `matching.find`.

        Raises:
            DataError: not one entry a photo.
            SchemaError: detections have different keypoints.
        """
        if len(photos) != len(detections):
            raise DataError(f"{len(photos)} photos, but detections of {len(detections)}")
        schemas = {one.schema for one in detections}
        if len(schemas) > 1:
            raise SchemaError(f"detections have keypoints of different schemas: {sorted(s.name for s in schemas)}")
        parts = [cls._of_photo(photo, one, threshold) for photo, one in zip(photos, detections, strict=True)]
        there, boxes, points = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(there, boxes, points, schemas.pop())

    @staticmethod
    def _of_photo(photo: AnnotatedPhoto, found: Detections, threshold: float) -> tuple[Array, Array, Array]:
        rows = find(photo.boxes, found, threshold)[~photo.ignored]
        there = rows >= 0
        boxes = np.full((len(rows), 4), np.nan)
        points = np.full((len(rows), len(found.schema), 2), np.nan)
        boxes[there], points[there] = found.boxes[rows[there]], found.points[rows[there]]
        return there, boxes, points

    @cached_property
    def poses(self) -> Array:
        """(F, 3, 3) rotations, NaN where there is none."""
        return head_poses(self.points, self.schema)

    @property
    def eyes(self) -> Array:
        """(F,) distance between the eyes in pixels, NaN where unknown."""
        left, right = (self.schema.points.index(f"{side} eye") for side in ("left", "right"))
        return np.asarray(np.linalg.norm(self.points[:, left] - self.points[:, right], axis=1))

    @property
    def landmarks(self) -> Array:
        """(F, L, 2) points of the face itself."""
        facial = [i for i, name in enumerate(self.schema.points) if name.endswith(FACIAL)]
        return np.asarray(self.points[:, facial])


def compare(before: Found, after: Found) -> Mapping[str, Array]:
    """What happened to every face that was found before: (F,) values by metric, NaN where one does not count.

    "detected" and "landmark_failures", "landmark_auc", "pose_failures" count every such face (for which the original
    gives landmarks or a pose); the distances count those found again. `SchemaError` if the keypoints differ.
    """
    if before.schema != after.schema:
        raise SchemaError(f"keypoints of schema {before.schema.name!r} before and {after.schema.name!r} after")
    base, again = before.there, before.there & after.there
    diagonal = np.linalg.norm(before.boxes[:, 2:] - before.boxes[:, :2], axis=1)
    corners = (after.boxes - before.boxes).reshape(-1, 2, 2)
    box = np.linalg.norm(corners, axis=2).mean(axis=1)
    points = np.linalg.norm(after.landmarks - before.landmarks, axis=2).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        nme = np.where(before.eyes > 0, points / before.eyes, np.nan)
    known = base & np.isfinite(before.landmarks).all(axis=(1, 2)) & (before.eyes > 0)
    lost = np.where(np.isfinite(nme), nme, np.inf)  # not found again, or without landmarks: worse than any distance
    posed = base & np.isfinite(before.poses).all(axis=(1, 2))
    pose = pose_distance(before.poses, after.poses)
    return {
        "detected": _where(base, after.there),
        "box_distance": _where(again, box),
        "box_distance_relative": _where(again, box / diagonal),
        "box_iou": _where(again, _iou(before.boxes, after.boxes)),
        "landmark_distance": _where(again, points),
        "nme": _where(again, nme),
        "landmark_auc": _where(known, np.clip(1 - lost / FAILURE, 0, None)),
        "landmark_failures": _where(known, lost > FAILURE),
        "pose": _where(again, pose),
        "pose_failures": _where(posed, ~np.isfinite(pose)),
    }


def _where(counts: Array, values: Array) -> Array:
    return np.where(counts, np.asarray(values, dtype=np.float64), np.nan)


def _iou(a: Array, b: Array) -> Array:
    """(F, 4), (F, 4) -> (F,) row by row."""
    rows = [
        geometry.iou(x[None], y[None])[0, 0] if np.isfinite([x, y]).all() else np.nan for x, y in zip(a, b, strict=True)
    ]
    return np.array(rows, dtype=np.float64)
