"""From new pixels to the picture: each box is replaced, and nothing else is touched but a ring around it."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from deepanon import geometry
from deepanon.crops import Crops, resize
from deepanon.errors import ModelError, OptionError
from deepanon.geometry import Array
from deepanon.images import to_uint8


def paste(image: Array, crops: Crops, pixels: Tensor, boxes: Array, feather: float = 1.5) -> Array:
    """Return a copy of the picture with each face box replaced; the arguments are those of `paste_into`."""
    image = image.copy()
    paste_into(image, crops, pixels, boxes, feather)
    return image


def paste_into(image: Array, crops: Crops, pixels: Tensor, boxes: Array, feather: float = 1.5) -> None:
    """Replace each face box of the picture by the new pixels of its crop; the picture itself is changed.

    Every pixel that a box touches is replaced wholly; around the box the new pixels fade out over `feather` crop
    pixels, except under other boxes. Faces are pasted in order: where boxes overlap, the later one is on top. No other
    pixel is looked at: what it costs does not depend on the size of the picture.

    Args:
        image: H, W, 3 uint8.
        crops: where each face belongs.
        pixels: (N, 3, S, S) float in [-1, 1], the anonymizer's output.
        boxes: (M, 4) every face box of the picture in pixels, whether in `crops` or not.
        feather: width of the fading ring in crop pixels.

    Raises:
        ModelError: `pixels` does not hold one drawing a crop (some face would stay as it is).
        OptionError: `feather` is negative.
    """
    if pixels.shape != crops.context.shape:
        raise ModelError(f"drawn pixels have shape {tuple(pixels.shape)}, the crops {tuple(crops.context.shape)}")
    if not feather >= 0:
        raise OptionError(f"feather must be 0 or more, got {feather}")
    height, width = image.shape[:2]
    everything = geometry.clip(geometry.outward(boxes), width, height)
    regions = crops.regions.numpy()
    sides = regions[:, 2] - regions[:, 0]
    scale = sides / crops.size
    own = crops.boxes.numpy().astype(np.float64) * scale[:, None] + np.tile(regions[:, :2], 2)
    inner = geometry.clip(geometry.outward(_settle(own)), width, height)
    rings = np.ceil(feather * scale).astype(np.int64)
    outer = _ringed(inner, rings, geometry.clip(regions, width, height))
    for i in range(len(crops)):
        x0, y0, x1, y1 = outer[i].tolist()
        left, top = x0 - int(regions[i, 0]), y0 - int(regions[i, 1])
        part = np.s_[top : top + y1 - y0, left : left + x1 - x0]
        if sides[i] == crops.size:
            patch = to_uint8(pixels[i : i + 1, :, *part])[0]
        else:
            patch = resize(to_uint8(pixels[i : i + 1])[0], int(sides[i]))[part]
        weight = _weight(outer[i], inner[i], everything, int(rings[i]))
        _blend(image[y0:y1, x0:x1], patch, weight, inner[i] - np.tile(outer[i, :2], 2))


def _settle(boxes: Array) -> Array:
    """Undo the float32 noise of going to crop pixels and back, so that a whole-pixel edge stays one."""
    return np.where(np.abs(boxes - np.rint(boxes)) < 1e-2, np.rint(boxes), boxes)


def _ringed(boxes: Array, rings: Array, limits: Array) -> Array:
    """Boxes (N, 4) with `rings` (N,) pixels around them, as far as their `limits` (N, 4)."""
    low = np.maximum(boxes[:, :2] - rings[:, None], limits[:, :2])
    high = np.minimum(boxes[:, 2:] + rings[:, None], limits[:, 2:])
    return np.concatenate([low, high], axis=1)


def _weight(window: Array, box: Array, others: Array, ring: int) -> Array:
    """H, W float32: 1 in `box`, falling linearly to 0 over `ring` pixels around it, 0 under other boxes.

    Where another box lies in `box`, the value means nothing: see `_blend`.
    """
    x0, y0, x1, y1 = window.tolist()
    across, down = _fading(np.arange(x0, x1), box[0], box[2], ring), _fading(np.arange(y0, y1), box[1], box[3], ring)
    weight = np.minimum(across, down[:, None])
    near = others[geometry.inside(others - np.array([x0, y0, x0, y0]), x1 - x0, y1 - y0)]
    for u0, v0, u1, v1 in (near - np.array([x0, y0, x0, y0])).tolist():
        weight[max(v0, 0) : max(v1, 0), max(u0, 0) : max(u1, 0)] = 0
    return weight


def _fading(at: Array, low: int, high: int, ring: int) -> Array:
    """(L,) float32: the weight along one axis for the pixels `at`, of a box from `low` to `high`."""
    away = np.maximum(np.maximum(low - at, at - (high - 1)), 0)
    return np.asarray(np.clip(1 - away / (ring + 1), 0, 1).astype(np.float32))


def _blend(old: Array, new: Array, weight: Array, inner: Array) -> None:
    """Lay `new` over `old` (H, W, 3) uint8: wholly in the box `inner`, around it by `weight` (H, W) in [0, 1].

    Inside there is nothing to compute, so only the four sides of the ring are.
    """
    x0, y0, x1, y1 = inner.tolist()
    for side in (np.s_[:y0], np.s_[y1:], np.s_[y0:y1, :x0], np.s_[y0:y1, x1:]):
        height, width, _ = old[side].shape
        share = np.repeat(weight[side], 3, axis=1)  # rows of numbers, as numpy is slow at triples
        mixed = new[side].reshape(height, width * 3) * share + old[side].reshape(height, width * 3) * (1 - share)
        old[side] = np.rint(mixed).reshape(height, width, 3)
    old[y0:y1, x0:x1] = new[y0:y1, x0:x1]
