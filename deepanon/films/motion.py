"""How a face has moved from one frame to the next, and whether it is still the same sight."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch.nn.functional import adaptive_avg_pool2d

from deepanon import geometry
from deepanon.crops import Crops
from deepanon.geometry import Array

CELLS, SEEN = 8, 0.25  # cells along a crop, for surroundings; share of a cell that must be free of faces to count
TINY = 1e-6


def placed(crop: Crops, corner: Array) -> Array:
    """(3, 3) what takes pixel numbers of a part of the crop that begins at `corner`, (2,), to places in the picture."""
    scale = crop.size / _side(crop)
    shift = crop.regions[0, :2].numpy() + (corner + 0.5) / scale  # a pixel's middle lies half a pixel in
    return np.array([[1 / scale, 0, shift[0]], [0, 1 / scale, shift[1]], [0, 0, 1]])


def moved(before: Crops, now: Crops) -> Array:
    """(3, 3) similarity that brings a face from where it was to where it is, both in pixels of the picture.

    By the keypoints that are known in both crops; without two of them, from box to box.

    Args:
        before: the crop of one face in an earlier frame.
        now: the one of this frame.
    """
    old, new = _points(before), _points(now)
    both = np.isfinite(old).all(1) & np.isfinite(new).all(1)
    matrix = geometry.similarity(old[both], new[both]) if both.sum() > 1 else np.full((2, 3), np.nan)
    if not np.isfinite(matrix).all():
        (old, new), scale = (_box(before), _box(now)), _length(now) / _length(before)
        shift = (new[:2] + new[2:] - scale * (old[:2] + old[2:])) / 2
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return np.concatenate([matrix, [[0.0, 0.0, 1.0]]])


def staying(before: Crops, now: Crops, but: str = "") -> float:
    """How much of what was seen before still holds, in [0, 1].

    1 while a drawing can go along with what differs, 0 where a single thing of `CHANGES` has changed too much.

    Args:
        before: the crop of one face in an earlier frame.
        now: the one of this frame.
        but: a key of `CHANGES` that does not count.
    """
    motion, counted = moved(before, now), [change for name, change in CHANGES.items() if name != but]
    changes = [(measure(before, now, motion), calm, gone) for measure, calm, gone in counted]
    return float(min(np.clip((gone - change) / (gone - calm), 0, 1) for change, calm, gone in changes))


def _pose(before: Crops, now: Crops, motion: Array) -> float:
    """How far keypoints lie from where the motion takes them, in sides of the box; infinite if they came or went."""
    old, new = _points(before), _points(now)
    if (np.isfinite(old) != np.isfinite(new)).any():
        return np.inf
    apart = np.linalg.norm(old @ motion[:2, :2].T + motion[:2, 2] - new, axis=1)
    return float(np.sqrt(np.nanmean(apart**2)) / _length(now)) if np.isfinite(apart).any() else 0.0


def _size(before: Crops, now: Crops, motion: Array) -> float:
    """By what power of e the face became larger or smaller, by its keypoints or by its box."""
    scales = np.hypot(*motion[:2, 0]), _length(now) / _length(before)
    return float(max(abs(np.log(max(scale, TINY))) for scale in scales))


def _way(before: Crops, now: Crops, motion: Array) -> float:
    """How far the middle of the box went, in its sides."""
    old, new = _box(before), _box(now)
    return float(np.linalg.norm(new[:2] + new[2:] - old[:2] - old[2:]) / 2 / _length(now))


def _fit(before: Crops, now: Crops, motion: Array) -> float:
    """1 less the IoU of the box with where the motion takes the old one: keypoints that do not go with their box."""
    old = _box(before).reshape(2, 2)
    taken = (old.mean(0) @ motion[:2, :2].T + motion[:2, 2]) + (old - old.mean(0)) * np.hypot(*motion[:2, 0])
    return 1 - float(geometry.iou(taken.reshape(1, 4), _box(now)[None])[0, 0])


def _around(before: Crops, now: Crops, motion: Array) -> float:
    """Mean change of what is seen around the faces, in coarse cells, in levels from -1 to 1; 0 if nothing is seen."""
    free = (before.mask == 0) & (now.mask == 0)  # 1,1,S,S
    share = adaptive_avg_pool2d(free.float(), CELLS)
    change = adaptive_avg_pool2d((now.context - before.context) * free, CELLS).abs() / share.clamp(min=TINY)
    counted = change.mean(1, keepdim=True)[share >= SEEN]
    return float(counted.mean()) if len(counted) else 0.0


PLACE = "way"  # what changes without harm as long as it does so step by step
# what may change between two sights: up to where that is no reason to draw anew, and from where on nothing holds
CHANGES: dict[str, tuple[Callable[[Crops, Crops, Array], float], float, float]] = {
    "pose": (_pose, 0.03, 0.1),
    "size": (_size, 0.2, 0.4),
    PLACE: (_way, 0.2, 0.6),
    "fit": (_fit, 0.35, 0.65),
    "around": (_around, 0.3, 0.6),
}


def _side(crop: Crops) -> float:
    """Of the square region, in pixels of the picture."""
    return float(crop.regions[0, 2] - crop.regions[0, 0])


def _points(crop: Crops) -> Array:
    """(K, 2) float64 keypoints in pixels of the picture."""
    return np.asarray(crop.keypoints[0].double().numpy() * _side(crop) + crop.regions[0, :2].numpy())


def _box(crop: Crops) -> Array:
    """(4,) float64 in pixels of the picture."""
    scale, corner = crop.size / _side(crop), crop.regions[0, :2].numpy()
    return np.asarray(crop.boxes[0].double().numpy() / scale + np.tile(corner, 2))


def _length(crop: Crops) -> float:
    """Side of a square as large as the box, in pixels of the picture."""
    return float(np.sqrt(geometry.area(_box(crop)[None])[0]))
