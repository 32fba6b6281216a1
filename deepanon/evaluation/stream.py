"""The evaluation stream: original and anonymized pictures, side by side, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deepanon import geometry
from deepanon.anonymizers import Anonymizer
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.errors import DeepanonError, OptionError
from deepanon.geometry import Array
from deepanon.pipeline import replace_faces
from deepanon.seeds import Seeds

REGIONS = ("annotated", "detected")
NEAR = 0.4  # IoU from which a detection lends its keypoints to an annotated box


class Regions:
    """Says which boxes of a photo are replaced; the finder runs once a photo, on the original.

    Args:
        finder: places the keypoints, and the boxes too if they are detected.
        source: "annotated" replaces every annotated box, ignored ones included, clipped to the picture, as DeepPrivacy
            does; "detected" replaces what the finder finds, as in use.
    """

    def __init__(self, finder: Detector, source: str = "annotated") -> None:
        if source not in REGIONS:
            raise OptionError(f"unknown regions {source!r}; choose one of: {', '.join(REGIONS)}")
        self.finder, self.source = finder, source
        self._known: dict[str, Detections] = {}

    def __call__(self, photo: AnnotatedPhoto, image: Array) -> Detections:
        """The faces to replace in `image`, the pixels of `photo`."""
        if photo.name not in self._known:
            found = self.finder(image, photo.name)
            self._known[photo.name] = found if self.source == "detected" else with_keypoints(photo.boxes, found, image)
        return self._known[photo.name]


def with_keypoints(boxes: Array, found: Detections, image: Array) -> Detections:
    """Annotated boxes, clipped to the picture, with the keypoints of the detection that fits each.

    Pairs are made best IoU first, one to one, while the IoU is at least 0.4; other faces get NaN. A box wholly outside
    the picture has no pixels to replace and is left out here; it still counts as a face not covered.
    """
    height, width = image.shape[:2]
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
        detections: the faces that were replaced.
    """

    photo: AnnotatedPhoto
    original: Array
    anonymized: Array
    detections: Detections


@dataclass(frozen=True)
class Stream:
    """All photos through one method, lazily: a picture is read and anonymized when it is asked for.

    Attributes:
        photos: what to read.
        regions: what to replace.
        anonymizer: how; None leaves the pictures as they are (the ceiling).
        seeds: of the new faces.
    """

    photos: Sequence[AnnotatedPhoto]
    regions: Regions
    anonymizer: Anonymizer | None
    seeds: Seeds

    def __len__(self) -> int:
        return len(self.photos)

    def __iter__(self) -> Iterator[Record]:
        """Yield records in order; a photo that cannot be read or anonymized ends the iteration with an error."""
        for photo in self.photos:
            original = photo.read()
            detections = self.regions(photo, original)
            yield Record(photo, original, self._anonymize(photo, original, detections), detections)

    def _anonymize(self, photo: AnnotatedPhoto, original: Array, detections: Detections) -> Array:
        if self.anonymizer is None:
            return original.copy()
        seeds = self.seeds(photo.name, len(detections))
        try:
            return replace_faces(original, detections, self.anonymizer, seeds)
        except DeepanonError as error:
            raise type(error)(f"{photo.path}: {self.anonymizer.name}: {error}") from error
