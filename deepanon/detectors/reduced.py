"""A quick look at a reduced picture, and a second one at full size at what was found there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torchvision.ops import nms

from deepanon import geometry
from deepanon.detections import Detections
from deepanon.detectors.views import resized, restored
from deepanon.errors import OptionError
from deepanon.geometry import Array
from deepanon.images import check_pixels

if TYPE_CHECKING:
    from deepanon.detectors import Detector

SMALL, SIZE = 40, 64  # px: faces below `SMALL` in the reduced picture are looked at again, at up to `SIZE`
REACH = 1.0  # sides of the box that the second look takes in at each of its sides
SAME = 0.4  # IoU


class Reduced:
    """Runs a detector on reduced pictures, and again at full size around the faces that are small there.

    Boxes and keypoints get as good as at full size; a face that is too small to be found in the reduced picture stays
    unseen, unless it is beside another. So it is for pictures and films in which small faces do not matter, and is
    never chosen by itself. Where the second look would take in more than the picture, the whole picture is looked at.

    Args:
        detector: any. What it finds at first is kept, or replaced by what it finds in the same place then.
        side: longest side in pixels of the reduced picture; smaller pictures are left as they are.

    Raises:
        OptionError: `side` makes no sense.
    """

    def __init__(self, detector: Detector, side: int = 640) -> None:
        if isinstance(side, bool) or not isinstance(side, int) or side < 32:
            raise OptionError(f"side must be a whole number of pixels from 32, got {side!r}")
        self.detector, self.side = detector, side
        self.name = detector.name

    @property
    def description(self) -> str:
        """The line of the detector, and what is done to the picture before."""
        return (
            f"{self.detector.description}; on pictures reduced to a longest side of {self.side} px, and at full size "
            f"around faces below {SMALL} px there"
        )

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture."""
        check_pixels(image)
        scale = self.side / max(image.shape[:2])
        if scale >= 1:
            return self.detector(image, name)
        small = resized(image, scale)
        found = restored(self.detector(small, name), 0, small.shape[:2], image.shape[:2])
        sides = (found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1)
        again = np.flatnonzero(sides * scale < SMALL)
        regions = _regions(found.boxes[again], image)
        if geometry.area(regions).sum() > image.shape[0] * image.shape[1]:
            return self.detector(image, name)
        parts = [self._closer(image, *pair, name) for pair in zip(regions, sides[again], strict=True)]
        better = Detections.merge(parts) if parts else found[:0]
        kept = nms(torch.from_numpy(better.boxes.copy()), torch.from_numpy(better.scores.copy()), SAME).numpy()
        better = better[kept]
        overlap = geometry.iou(found.boxes, better.boxes).max(axis=1, initial=0)
        return Detections.merge([found[np.flatnonzero(overlap < SAME)], better])

    def _closer(self, image: Array, region: Array, side: float, name: str) -> Detections:
        """What is found in one region, with a face of `side` pixels at up to `SIZE`; not what its edges cut."""
        x0, y0, x1, y1 = region
        whole = image[y0:y1, x0:x1]
        part = np.ascontiguousarray(resized(whole, min(1.0, SIZE / side)))
        found = restored(self.detector(part, name), 0, part.shape[:2], whole.shape[:2])
        at = np.array([x0, y0], dtype=np.float32)
        boxes = found.boxes + np.tile(at, 2)
        borders = np.array([0, 0, image.shape[1], image.shape[0]])
        cut = (boxes[:, :2] <= region[:2]) & (region[:2] > borders[:2])
        cut |= (boxes[:, 2:] >= region[2:]) & (region[2:] < borders[2:])
        points = None if found.keypoints is None else found.keypoints + at
        whole_ones = np.flatnonzero(~cut.any(axis=1))
        return Detections(boxes, found.scores, points, found.labels, found.schema)[whole_ones]


def _regions(boxes: Array, image: Array) -> Array:
    """(N, 4) int64 parts of the picture around boxes; each holds some of it, as the boxes do."""
    around = geometry.outward(geometry.grown(boxes, np.full(len(boxes), REACH)))
    return geometry.clip(around, image.shape[1], image.shape[0])
