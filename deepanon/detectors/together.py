"""Several detectors as one: faces by one network, number plates by another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deepanon.detections import Detections
from deepanon.errors import OptionError
from deepanon.geometry import Array

if TYPE_CHECKING:
    from deepanon.detectors import Detector


class Together:
    """Finds what any of its detectors finds, in their order; an error of one is an error of all.

    What two of them find stays twice: both boxes are replaced.

    Args:
        detectors: two or more. Those with keypoints must agree on the schema.

    Raises:
        OptionError: there are fewer than two.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        if len(detectors) < 2:
            raise OptionError(f"several detectors together are two or more, not {len(detectors)}")
        self.detectors = tuple(detectors)
        self.name = "+".join(detector.name for detector in self.detectors)

    @property
    def description(self) -> str:
        """The lines of all."""
        return "; and ".join(detector.description for detector in self.detectors)

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find everything in an (H, W, 3) uint8 RGB picture.

        Raises:
            SchemaError: two detectors give keypoints of different schemas.
        """
        parts = [detector(image, name) for detector in self.detectors]
        schemas = [part.schema for part in parts if part.keypoints is not None] or [parts[0].schema]
        return Detections.merge(
            [
                part
                if part.keypoints is not None
                else Detections(part.boxes, part.scores, None, part.labels, schemas[0])
                for part in parts
            ]
        )
