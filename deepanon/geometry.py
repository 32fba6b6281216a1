"""Pure box maths on numpy arrays; boxes are x0 y0 x1 y1 in pixels, the far edge excluded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

EXPANSION = 0.35  # of the larger box side, added on each side of the crop: DeepPrivacy's 1.7x
FAR = 2**40  # pixels; no picture is that large


def outward(boxes: Array) -> Array:
    """Smallest boxes with whole-pixel edges that contain `boxes`: (N, 4) float -> (N, 4) int64.

    Edges beyond ±`FAR` stop there, because int64 would wrap around and the box vanish. NaN raises `ValueError`.
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    if np.isnan(boxes).any():
        raise ValueError(f"boxes must be numbers, got {boxes.tolist()}")
    boxes = np.clip(boxes, -FAR, FAR)
    return np.concatenate([np.floor(boxes[..., :2]), np.ceil(boxes[..., 2:])], axis=-1).astype(np.int64)


def clip(boxes: Array, width: int, height: int) -> Array:
    """Boxes cut at the borders of a `width` x `height` picture: (N, 4) -> (N, 4), same dtype.

    A box wholly outside comes back with no area; see `inside`.
    """
    limits = np.array([width, height, width, height], dtype=boxes.dtype)
    return np.asarray(np.minimum(np.maximum(boxes, 0), limits))


def inside(boxes: Array, width: int, height: int) -> Array:
    """(N,) bool: the box shares some area with a `width` x `height` picture. NaN raises `ValueError`."""
    if np.isnan(boxes).any():  # compares as outside, and a face would be dropped without a word
        raise ValueError(f"boxes must be numbers, got {np.asarray(boxes).tolist()}")
    cut = clip(boxes, width, height)
    return np.asarray((cut[..., 2] > cut[..., 0]) & (cut[..., 3] > cut[..., 1]))


def intersection(a: Array, b: Array) -> Array:
    """Pairwise shared area in square pixels: (N, 4), (M, 4) -> (N, M) float64."""
    low = np.maximum(a[:, None, :2], b[None, :, :2]).astype(np.float64)
    high = np.minimum(a[:, None, 2:], b[None, :, 2:]).astype(np.float64)
    return np.asarray(np.prod(np.clip(high - low, 0, None), axis=-1))


def area(boxes: Array) -> Array:
    """(N, 4) -> (N,) float64 square pixels."""
    size = np.clip(boxes[..., 2:].astype(np.float64) - boxes[..., :2], 0, None)
    return np.asarray(size[..., 0] * size[..., 1])


def iou(a: Array, b: Array) -> Array:
    """Pairwise intersection over union: (N, 4), (M, 4) -> (N, M) float64 in [0, 1]."""
    shared = intersection(a, b)
    return shared / np.maximum(area(a)[:, None] + area(b)[None, :] - shared, np.finfo(np.float64).tiny)


def similarity(points: Array, template: Array) -> Array:
    """The rotation, scale and shift that brings `points` nearest to `template` in the least-squares sense.

    With points as complex numbers it is z -> a z + b, which has no reflection in it (Umeyama 1991 in two dimensions).

    Args:
        points: (K, 2) x y, K at least 2.
        template: (K, 2), where they should come to lie.

    Returns:
        (2, 3) float64 matrix that takes (x, y, 1) to the new (x, y); all NaN if a point is, or if all coincide.
    """
    z, w = (np.asarray(p, dtype=np.float64) @ np.array([1, 1j]) for p in (points, template))
    from_, to = z - z.mean(), w - w.mean()
    spread = (np.abs(from_) ** 2).sum()
    if not spread > 0:  # NaN too
        return np.full((2, 3), np.nan)
    a = (from_.conj() * to).sum() / spread
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def crop_region(box: Array, width: int, height: int) -> Array:
    """The square crop around one face, by DeepPrivacy's rule: squared, expanded, shifted inward at the borders.

    Args:
        box: (4,) face box in pixels, any real numbers, already clipped to the picture.
        width: picture width in pixels.
        height: picture height in pixels.

    Returns:
        (4,) int64, square, contains the box. It lies inside the picture, except when the squared box is larger than
        the picture's shorter side: then it is centred on the box with side 1.7x and may reach outside (the caller
        pads with zeros).
    """
    x0, y0, x1, y1 = (int(v) for v in outward(box))
    side = max(x1 - x0, y1 - y0)
    if side > min(width, height):
        return _centred_region(x0, y0, x1, y1)
    x0 = _slide(x0 - (side - (x1 - x0)) // 2, side, width)
    y0 = _slide(y0 - (side - (y1 - y0)) // 2, side, height)
    grow = min(int(EXPANSION * side), (height - side) // 2, (width - side) // 2)
    x0, y0, side = x0 - grow, y0 - grow, side + 2 * grow
    x0, y0 = _slide(x0, side, width), _slide(y0, side, height)
    return np.array([x0, y0, x0 + side, y0 + side])


def _slide(start: int, side: int, limit: int) -> int:
    """Move an interval of length `side` to lie within [0, limit]."""
    return min(max(start, 0), limit - side)


def _centred_region(x0: int, y0: int, x1: int, y1: int) -> Array:
    half = int(max(x1 - x0, y1 - y0) * (1 + 2 * EXPANSION)) // 2
    centre_x, centre_y = x0 + (x1 - x0) // 2, y0 + (y1 - y0) // 2
    return np.array([centre_x - half, centre_y - half, centre_x + half, centre_y + half])


def grown(boxes: Array, margin: Array, side: Array | None = None) -> Array:
    """Boxes with every edge moved outward by `margin` of the box's sides: (N, 4), (N,) -> (N, 4).

    `side`, (2,) or (N, 2), stands in for the sides of `boxes`.
    """
    side = boxes[:, 2:] - boxes[:, :2] if side is None else side
    more = side * np.asarray(margin)[:, None]
    return np.concatenate([boxes[:, :2] - more, boxes[:, 2:] + more], axis=1)
