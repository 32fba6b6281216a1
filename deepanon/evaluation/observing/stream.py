"""One photo before and after, and which of its faces are replaced."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from deepanon import geometry
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.errors import OptionError
from deepanon.geometry import Array

REGIONS = ("annotated", "detected")
NEAR = 0.4  # IoU from which a detection lends its keypoints to an annotated box


@dataclass(frozen=True)
class Regions:
    """Says which boxes of a photo are replaced.

    Attributes:
        finder: places the keypoints, and the boxes too if they are detected; it sees the original alone.
        source: "annotated" replaces every annotated box, ignored ones included, clipped to the picture, as DeepPrivacy
            does; "detected" replaces what the finder finds, as in use.
    """

    finder: Detector
    source: str = "annotated"

    def __post_init__(self) -> None:
        if self.source not in REGIONS:
            raise OptionError(f"unknown regions {self.source!r}; choose one of: {', '.join(REGIONS)}")

    @property
    def key(self) -> str:
        """For the store."""
        return f"{self.source}, {self.finder.description}"

    def choose(self, photo: AnnotatedPhoto, found: Detections, width: int, height: int) -> Detections:
        """The faces to replace, of `found` on the original of `width` x `height` pixels."""
        return found if self.source == "detected" else with_keypoints(photo.boxes, found, width, height)


def with_keypoints(boxes: Array, found: Detections, width: int, height: int) -> Detections:
    """Annotated boxes, clipped to the picture, with the keypoints of the detection that fits each.

    Pairs are made best IoU first, one to one, while the IoU is at least 0.4; other faces get NaN. A box wholly outside
    the picture has no pixels to replace and is left out here; it still counts as a face not covered.
    """
    boxes = geometry.clip(boxes[geometry.inside(boxes, width, height)], width, height)
    keypoints = np.full((len(boxes), len(found.schema), 2), np.nan, dtype=np.float32)
    overlap = geometry.iou(boxes, found.boxes)
    while overlap.size and overlap.max() >= NEAR:
        face, detection = np.unravel_index(overlap.argmax(), overlap.shape)
        keypoints[face] = found.points[detection]
        overlap[face, :] = overlap[:, detection] = 0
    return Detections(boxes, np.ones(len(boxes)), keypoints, schema=found.schema)


@dataclass(frozen=True, eq=False)
class Record:
    """One photo before and after.

    Attributes:
        photo: the annotations.
        original: (H, W, 3) uint8 RGB.
        anonymized: (H, W, 3) uint8 RGB, never encoded in between.
        detections: the faces that were replaced, in the order in which they were pasted.
        name: what the anonymized picture is called, "gan-0/party.png": for detectors that read a file.
    """

    photo: AnnotatedPhoto
    original: Array
    anonymized: Array
    detections: Detections
    name: str = ""
    _found: dict[str, Detections] = field(default_factory=dict)

    def found_by(self, detector: Detector) -> Detections:
        """What a detector finds on the anonymized picture; it looks once, whoever asks."""
        if detector.description not in self._found:
            self._found[detector.description] = detector(self.anonymized, self.name)
        return self._found[detector.description]
