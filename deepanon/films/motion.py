"""How a face has moved from one frame to the next, and whether it is still the same sight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from deepanon import geometry
from deepanon.crops import Crops
from deepanon.geometry import Array

CELLS, SEEN = 8, 0.25  # cells along a crop, for surroundings; share of a cell that must be free of faces to count
TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Sight:
    """One face as it was in one frame: all that is compared with other frames.

    Attributes:
        scale: pixels of the crop for each of the picture.
        corner: (2,) float64 where the crop begins, in pixels of the picture.
        points: (K, 2) float64 keypoints in pixels of the picture, NaN = unknown.
        known: (K,) bool.
        box: (4,) float64 in pixels of the picture.
        length: side of a square as large as the box, in pixels of the picture.
        context: (1, 3, S, S) float, what is seen around the faces.
        free: (1, 1, S, S) bool, where that is.
    """

    scale: float
    corner: Array
    points: Array
    known: Array
    box: Array
    length: float
    context: Tensor
    free: Tensor

    @classmethod
    def of(cls, crop: Crops) -> Sight:
        """Take what is needed of a crop of one face; its context is kept, not copied."""
        region = crop.regions[0].double().numpy()
        side, corner = float(region[2] - region[0]), region[:2]
        points = crop.keypoints[0].double().numpy() * side + corner
        box = crop.boxes[0].double().numpy() * (side / crop.size) + np.tile(corner, 2)
        length = float(np.sqrt(geometry.area(box[None])[0]))
        known = np.isfinite(points).all(1)
        return cls(crop.size / side, corner, points, known, box, length, crop.context, crop.mask == 0)

    def placed(self, corner: Array) -> Array:
        """(3, 3) what takes pixel numbers of a part of the crop that begins at `corner`, (2,), to the picture."""
        shift = self.corner + (corner + 0.5) / self.scale  # a pixel's middle lies half a pixel in
        return np.array([[1 / self.scale, 0, shift[0]], [0, 1 / self.scale, shift[1]], [0, 0, 1]])


def moved(before: Sight, now: Sight) -> Array:
    """(3, 3) similarity that brings a face from where it was to where it is, both in pixels of the picture.

    By the keypoints that are known in both frames; without two of them, from box to box.
    """
    both = before.known & now.known
    matrix = np.full((2, 3), np.nan)
    if both.sum() > 1:
        matrix = geometry.similarity(before.points[both], now.points[both])
    if not np.isfinite(matrix).all():
        old, new, scale = before.box, now.box, now.length / before.length
        shift = (new[:2] + new[2:] - scale * (old[:2] + old[2:])) / 2
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return np.concatenate([matrix, [[0.0, 0.0, 1.0]]])


def staying(before: Sight, now: Sight, but: str = "") -> float:
    """How much of what was seen before still holds, in [0, 1].

    1 while a drawing can go along with what differs, 0 where a single thing of `CHANGES` has changed too much.

    Args:
        before: the face in an earlier frame.
        now: in this frame.
        but: a key of `CHANGES` that does not count.
    """
    motion, counted = moved(before, now), [change for name, change in CHANGES.items() if name != but]
    changes = [(measure(before, now, motion), calm, gone) for measure, calm, gone in counted]
    return min(min(max((gone - change) / (gone - calm), 0.0), 1.0) for change, calm, gone in changes)


def _pose(before: Sight, now: Sight, motion: Array) -> float:
    """How far keypoints lie from where the motion takes them, in sides of the box; infinite if they came or went."""
    old, new = before.points, now.points
    if (np.isfinite(old) != np.isfinite(new)).any():
        return np.inf
    apart = np.linalg.norm(old @ motion[:2, :2].T + motion[:2, 2] - new, axis=1)
    return float(np.sqrt(np.nanmean(apart**2)) / now.length) if np.isfinite(apart).any() else 0.0


def _size(before: Sight, now: Sight, motion: Array) -> float:
    """By what power of e the face became larger or smaller, by its keypoints or by its box."""
    scales = np.hypot(*motion[:2, 0]), now.length / before.length
    return float(max(abs(np.log(max(scale, TINY))) for scale in scales))


def _way(before: Sight, now: Sight, motion: Array) -> float:
    """How far the middle of the box went, in its sides."""
    old, new = before.box, now.box
    return float(np.linalg.norm(new[:2] + new[2:] - old[:2] - old[2:]) / 2 / now.length)


def _fit(before: Sight, now: Sight, motion: Array) -> float:
    """1 less the IoU of the box with where the motion takes the old one: keypoints that do not go with their box."""
    old = before.box.reshape(2, 2)
    middle = (old[0] + old[1]) / 2
    taken = (middle @ motion[:2, :2].T + motion[:2, 2]) + (old - middle) * np.hypot(*motion[:2, 0])
    return 1 - float(geometry.iou(taken.reshape(1, 4), now.box[None])[0, 0])


def _around(before: Sight, now: Sight, motion: Array) -> float:
    """Mean change of what is seen around the faces, in coarse cells, in levels from -1 to 1; 0 if nothing is seen."""
    free = before.free & now.free  # 1,1,S,S
    share = adaptive_avg_pool2d(free.float(), CELLS)
    change = adaptive_avg_pool2d((now.context - before.context) * free, CELLS).abs() / share.clamp(min=TINY)
    counted = change.mean(1, keepdim=True)[share >= SEEN]
    return float(counted.mean()) if len(counted) else 0.0


PLACE = "way"  # what changes without harm as long as it does so step by step
# what may change between two sights: up to where that is no reason to draw anew, and from where on nothing holds
CHANGES: dict[str, tuple[Callable[[Sight, Sight, Array], float], float, float]] = {
    "pose": (_pose, 0.03, 0.1),
    "size": (_size, 0.2, 0.4),
    PLACE: (_way, 0.2, 0.6),
    "fit": (_fit, 0.35, 0.65),
    "around": (_around, 0.3, 0.6),
}
