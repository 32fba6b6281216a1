"""Which of the faces that were found are replaced, and which are left as they are because somebody said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deepanon import geometry
from deepanon.checks import check_weight
from deepanon.detections import Detections
from deepanon.detectors.given import Given
from deepanon.errors import DetectionError, OptionError
from deepanon.geometry import Array

EVERY = "*"  # name of regions that are meant for every picture
SAME = 0.5  # IoU of a face with a region to keep: a box that trembles reaches it, a smaller face inside does not
TOUCHED = 0.25  # of a face, or of a region, that they share where only such faces are replaced
HELD = 0.5  # of either, below which such a region holds a neighbour at best
WITHIN = 0.9  # of a face that lies in a zone where faces are ignored
ZONED = "in a zone where faces are ignored"

Zone = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Choice:
    """What is done with the faces of one picture.

    Attributes:
        faces: all that were found.
        reasons: one a face: why it is left as it is; "" for a face that is replaced.
        unmatched: (M, 4) float32 regions of faces to keep that hold no face of this picture.
    """

    faces: Detections
    reasons: tuple[str, ...]
    unmatched: Array

    @property
    def replaced(self) -> list[int]:
        """Rows of `faces`."""
        return [row for row, reason in enumerate(self.reasons) if not reason]

    @property
    def left(self) -> list[tuple[list[float], str]]:
        """Box and reason of every face that is left as it is."""
        return [(self.faces.boxes[row].round(2).tolist(), reason) for row, reason in enumerate(self.reasons) if reason]

    def to_json(self) -> dict[str, Any]:
        """Plain values for a report; of what there is none nothing is said."""
        left = [{"box": box, "reason": reason} for box, reason in self.left]
        unmatched = self.unmatched.round(2).tolist()
        return ({"left": left} if left else {}) | ({"unmatched": unmatched} if unmatched else {})


@dataclass(frozen=True)
class Selection:
    """Says which faces are replaced; without any wish all are. Each wish errs on the side of replacing.

    Args:
        keep: regions, one a face, by name of picture ("*": every picture). Of the faces of a region's label the one
            that covers it best is left, if their IoU is 0.5 or more: a box that trembles is the same face, a
            stranger's smaller face inside it is not. No region leaves two faces.
        only: regions in the same form; faces without a region are left. A face has one if a quarter of either lies
            in the other, and the labels agree. A region with none that shares half is an error: somebody was missed.
        min_size: faces whose shorter side has fewer pixels are left.
        zones: x0 y0 x1 y1 in pixels, in every picture; what lies in one by nine tenths is left, whatever its label.

    Raises:
        OptionError: a zone has no area, or `min_size` is no size.
    """

    keep: Given | None = None
    only: Given | None = None
    min_size: float = 0
    zones: tuple[Zone, ...] = ()

    def __post_init__(self) -> None:
        check_weight("min_size", self.min_size)
        for zone in self.zones:
            x0, y0, x1, y1 = zone
            if not (x0 < x1 and y0 < y1 and np.isfinite(zone).all()):
                raise OptionError(f"zone {zone} has no area: give x0 y0 x1 y1 with x1 > x0 and y1 > y0")

    @property
    def description(self) -> str:
        """One line with everything that it depends on."""
        parts = [f"{what} {given.description}" for what, given in (("keep", self.keep), ("only", self.only)) if given]
        parts += [f"faces from {self.min_size:g} px"] if self.min_size else []
        parts += [f"not in {' '.join(f'{edge:g}' for edge in zone)}" for zone in self.zones]
        return "; ".join(parts) or "every face"

    @property
    def smaller(self) -> str:
        """Why a small face is left, in words."""
        return f"smaller than {self.min_size:g} px"

    def small(self, boxes: Array) -> Array:
        """(N, 4) -> (N,) bool: the shorter side has fewer pixels than `min_size`."""
        return np.asarray((boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) < self.min_size)

    def zoned(self, boxes: Array) -> Array:
        """(N, 4) -> (N,) bool: nine tenths of the box lie in one of the zones."""
        return np.asarray((_share(boxes, np.array(self.zones, np.float32).reshape(-1, 4)) >= WITHIN).any(axis=1))

    def __call__(self, faces: Detections, name: str, width: int, height: int) -> Choice:
        """Decide for the faces of the picture called `name`.

        Raises:
            DetectionError: `keep` or `only` is for a picture of another size; `only` has no entry for this one, or
                one of the regions it names holds no face that was found.
        """
        kept, unmatched = self._kept(faces, name, width, height)
        wanted = self._wanted(faces, name, width, height)
        reasons = np.full(len(faces), "", dtype=object)
        for chosen, reason in (
            (~wanted, "in no region of those to replace"),
            (self.small(faces.boxes), self.smaller),
            (self.zoned(faces.boxes), ZONED),
            (kept, "kept"),
        ):
            reasons[chosen] = reason
        return Choice(faces, tuple(reasons.tolist()), unmatched)

    def _kept(self, faces: Detections, name: str, width: int, height: int) -> tuple[Array, Array]:
        """(N,) bool, and the regions of this very picture that hold no face."""
        kept = np.zeros(len(faces), dtype=bool)
        unmatched = [np.zeros((0, 4), dtype=np.float32)]
        for entry in (name, EVERY):
            regions = None if self.keep is None else _regions(self.keep, entry, width, height)
            if regions is None:
                continue
            overlap = np.where(_labelled(faces, regions), geometry.iou(faces.boxes, regions.boxes), 0)
            best = overlap.argmax(axis=0) if len(faces) else np.zeros(len(regions), dtype=int)
            found = overlap.max(axis=0, initial=0) >= SAME
            kept[best[found]] = True
            if entry == name:
                unmatched.append(regions.boxes[~found])
        return kept, np.concatenate(unmatched)

    def _wanted(self, faces: Detections, name: str, width: int, height: int) -> Array:
        """(N,) bool: the face is one of those to replace."""
        if self.only is None:
            return np.ones(len(faces), dtype=bool)
        own, every = (_regions(self.only, entry, width, height) for entry in (name, EVERY))
        if own is None and every is None:
            raise DetectionError(
                f"the regions to replace have no entry for {name!r} (an entry without faces says that none is)"
            )
        wanted = np.zeros(len(faces), dtype=bool)
        for regions in (own, every):
            if regions is None:
                continue
            share = np.maximum(_share(faces.boxes, regions.boxes), _share(regions.boxes, faces.boxes).T)
            share = np.where(_labelled(faces, regions), share, 0)
            wanted |= (share >= TOUCHED).any(axis=1)
            lost = np.flatnonzero(share.max(axis=0, initial=0) < HELD)
            if regions is own and len(lost):
                box = regions.boxes[lost[0]].round(2).tolist()
                raise DetectionError(
                    f"nothing was found in region {box} of {name!r}, which is to be replaced; "
                    "give the face itself with --detections"
                )
        return wanted


def _regions(given: Given, name: str, width: int, height: int) -> Detections | None:
    """What the file says of a picture; None if nothing."""
    return given.of(name, width, height) if name in given.faces else None


def _labelled(faces: Detections, regions: Detections) -> Array:
    """(N, M) bool: both carry one label."""
    return np.asarray(np.asarray(faces.labels)[:, None] == np.asarray(regions.labels)[None])


def _share(boxes: Array, regions: Array) -> Array:
    """(N, 4), (M, 4) -> (N, M) how much of each box lies in each region, in [0, 1]."""
    return np.asarray(geometry.intersection(boxes, regions) / geometry.area(boxes)[:, None])
