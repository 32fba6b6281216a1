"""One face through a film."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from deepanon.detections import KeypointSchema
from deepanon.errors import DetectionError
from deepanon.geometry import Array

SEEN, FILLED, GUESSED, PADDED = range(4)  # a detection; between two; between two that lie far apart; before or after


@dataclass(frozen=True, eq=False)
class Track:
    """Where one face is, frame after frame.

    Attributes:
        number: tells the tracks of one film apart; in order of first appearance, from 0.
        label: what is followed ("face").
        frames: (T,) int64, rising.
        boxes: (T, 4) float64 x0 y0 x1 y1 in pixels; may reach outside the picture.
        scores: (T,) float64 of the detector; 0 where nothing was seen.
        keypoints: (T, K, 2) float64 in pixels, NaN = unknown.
        how: (T,) uint8, `SEEN`, `FILLED`, `GUESSED` or `PADDED`.
        schema: what the keypoints mean.

    Raises:
        DetectionError: arrays of different lengths, no frame, or frames that do not rise.
    """

    number: int
    label: str
    frames: Array
    boxes: Array
    scores: Array
    keypoints: Array
    how: Array
    schema: KeypointSchema

    def __post_init__(self) -> None:
        count = len(self.frames)
        shapes = (self.boxes.shape, self.scores.shape, self.keypoints.shape, self.how.shape)
        if not count or shapes != ((count, 4), (count,), (count, len(self.schema), 2), (count,)):
            raise DetectionError(f"track {self.number}: {count} frames do not go with arrays of shapes {shapes}")
        if (np.diff(self.frames) < 1).any():
            raise DetectionError(f"track {self.number}: its frames do not rise")

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: slice) -> Track:
        """Some of the frames."""
        names = ("frames", "boxes", "scores", "keypoints", "how")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})
