"""A quick look at a reduced picture, and a second one at full size at what was found there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections
from deepanon.detectors.suppression import suppressed
from deepanon.detectors.views import resized, restored
from deepanon.errors import OptionError
from deepanon.geometry import Array
from deepanon.images import check_pixels
from deepanon.partly import Partly, Whole

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
        return self.look(Whole(image), name)

    def look(self, picture: Partly, name: str = "", glance: Array | None = None) -> Detections:
        """The same for a picture of which only parts are needed, and what `glance` gives, if it is there already."""
        shape = picture.height, picture.width
        small = self.glance(picture) if glance is None else glance
        if small is None:
            return self.detector(picture.pixels, name)
        scale = self.side / max(shape)
        found = restored(self.detector(small, name), 0, small.shape[:2], shape)
        sides = (found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1)
        again = np.flatnonzero(sides * scale < SMALL)
        regions = _regions(found.boxes[again], *shape)
        if geometry.area(regions).sum() > shape[0] * shape[1]:
            return self.detector(picture.pixels, name)
        parts = [self._closer(picture, *pair, name) for pair in zip(regions, sides[again], strict=True)]
        better = Detections.merge(parts) if parts else found[:0]
        better = better[suppressed(better.boxes, better.scores, SAME)]
        overlap = geometry.iou(found.boxes, better.boxes).max(axis=1, initial=0)
        return Detections.merge([found[np.flatnonzero(overlap < SAME)], better])

    def glance(self, picture: Partly) -> Array | None:
        """The reduced picture, which is looked at first; None if the picture is not larger than that."""
        scale = self.side / max(picture.height, picture.width)
        if scale >= 1:
            return None
        return picture.resized(*(max(1, round(length * scale)) for length in (picture.width, picture.height)))

    def _closer(self, picture: Partly, region: Array, side: float, name: str) -> Detections:
        """What is found in one region, with a face of `side` pixels at up to `SIZE`; not what its edges cut."""
        whole = picture.part(region)
        part = np.ascontiguousarray(resized(whole, min(1.0, SIZE / side)))
        found = restored(self.detector(part, name), 0, part.shape[:2], whole.shape[:2])
        at = region[:2].astype(np.float32)
        boxes = found.boxes + np.tile(at, 2)
        borders = np.array([0, 0, picture.width, picture.height])
        cut = (boxes[:, :2] <= region[:2]) & (region[:2] > borders[:2])
        cut |= (boxes[:, 2:] >= region[2:]) & (region[2:] < borders[2:])
        points = None if found.keypoints is None else found.keypoints + at
        whole_ones = np.flatnonzero(~cut.any(axis=1))
        return Detections(boxes, found.scores, points, found.labels, found.schema)[whole_ones]


def glance_of(picture: Partly, detector: Detector) -> Array | None:
    """The reduced picture that the detector asks for first, if it does; `looked_at` takes it."""
    return detector.glance(picture) if isinstance(detector, Reduced) else None


def looked_at(picture: Partly, detector: Detector, name: str = "", glance: Array | None = None) -> Detections:
    """What a detector finds, with no more of the picture than it needs."""
    return detector.look(picture, name, glance) if isinstance(detector, Reduced) else detector(picture.pixels, name)


def _regions(boxes: Array, height: int, width: int) -> Array:
    """(N, 4) int64 parts of the picture around boxes; each holds some of it, as the boxes do."""
    around = geometry.outward(geometry.grown(boxes, np.full(len(boxes), REACH)))
    return geometry.clip(around, width, height)
