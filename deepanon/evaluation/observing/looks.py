"""The observers that every set of photos has: what a detector finds, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections, schema_for
from deepanon.detectors import Detector
from deepanon.evaluation.observing.stream import Record
from deepanon.geometry import Array


class Faces:
    """What a detector finds on the anonymized picture; `faces_of` makes `Detections` of it again."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.key = f"faces: {detector.description}"

    def __call__(self, record: Record) -> dict[str, Array]:
        """Boxes, scores, points and schema of all faces found."""
        return faces_to_arrays(record.found_by(self.detector))


def faces_to_arrays(faces: Detections) -> dict[str, Array]:
    """Plain arrays; labels are left out."""
    return {
        "boxes": faces.boxes, "scores": faces.scores, "points": faces.points, "schema": np.array(faces.schema.name)
    }  # fmt: skip


def faces_of(stored: Mapping[str, Array]) -> Detections:
    """The inverse of `faces_to_arrays`."""
    return Detections(stored["boxes"], stored["scores"], stored["points"], schema=schema_for(str(stored["schema"])))


class Changes:
    """How much of every annotated face changed, and which replaced faces had keypoints."""

    key = "changes"

    def __call__(self, record: Record) -> dict[str, Array]:
        """ "shares" (N,) of changed pixels of every annotated box; "keypoints" (M,) bool of every replaced face."""
        return {"shares": changed(record), "keypoints": record.detections.has_keypoints}


def changed(record: Record) -> Array:
    """(N,) float64: share of the pixels of every annotated box that differ from the original; 0 outside the picture."""
    height, width = record.original.shape[:2]
    differs = (record.original != record.anonymized).any(axis=2)
    boxes = geometry.clip(geometry.outward(record.photo.boxes), width, height)
    shares = [float(differs[y0:y1, x0:x1].mean()) if x1 > x0 and y1 > y0 else 0.0 for x0, y0, x1, y1 in boxes]
    return np.array(shares, dtype=np.float64)
