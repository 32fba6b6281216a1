"""Who looks at a drawn face, and what is kept of it."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.embedders import Recogniser
from deepanon.geometry import Array, iou

IOU = 0.5  # from which on a found box is the annotated face


class Eye(Protocol):
    """Looks at one face.

    Attributes:
        key: all that what it sees depends on.
    """

    key: str

    def __call__(self, image: Array, face: Detections) -> Array:
        """(H, W, 3) uint8 and the annotated face -> what is kept."""
        ...


class WhoItIs:
    """A recogniser; keeps its (D,) vector, NaN for a face that cannot be cut."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.recogniser, self.key = recogniser, f"vector: {recogniser.description}"

    def __call__(self, image: Array, face: Detections) -> Array:
        """See `Eye`."""
        return self.recogniser(image, face)[0]


class WhetherFound:
    """A detector; keeps the best score of what it finds there, 0 if nothing."""

    def __init__(self, detector: Detector) -> None:
        self.detector, self.key = detector, f"best score: {detector.description}"

    def __call__(self, image: Array, face: Detections) -> Array:
        """See `Eye`."""
        found = self.detector(image)
        return np.where(iou(face.boxes, found.boxes) >= IOU, found.scores, 0).max(initial=0)
