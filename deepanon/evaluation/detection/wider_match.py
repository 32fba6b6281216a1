"""Which face a detection has found, by the official code of WIDER FACE: best overlap, nothing taken off the list.

There are two arithmetics in use, and published numbers do not say which they are from.

- "double": double precision, as in the Python ports of the official code.
- "matlab": the official MATLAB code itself. The boxes of its ground truth are int32, and what touches int32 in MATLAB
  becomes int32: coordinates of detections are rounded, and so is the IoU, to 0 or 1. A detection therefore takes the
  *first* face of the list with an IoU of 0.5 or more, not the one it overlaps most. Scores are rounded to single
  precision. (MATLAB's integers stop at 2**31 - 1; boxes of that area do not occur, and it is not imitated.)
"""

from __future__ import annotations

import numpy as np

from deepanon.geometry import Array

IOU = 0.5
DOUBLE, MATLAB = ARITHMETICS = ("double", "matlab")


def match(found: Array, faces: Array, arithmetic: str = DOUBLE) -> Array:
    """The face that each detection of one picture is matched with; several may have the same.

    Args:
        found: (D, 4) float64 boxes x0 y0 x1 y1 in pixels.
        faces: (N, 4) float64 boxes, whole numbers for "matlab".
        arithmetic: one of `ARITHMETICS`.

    Returns:
        (D,) int64 row of `faces`, -1 where no IoU reaches 0.5.
    """
    if not len(found) or not len(faces):
        return np.full(len(found), -1, dtype=np.int64)
    overlap = (_overlap_matlab if arithmetic == MATLAB else _overlap)(found, faces)
    best = overlap.argmax(axis=1)
    return np.where(overlap[np.arange(len(best)), best] >= IOU, best, -1)


def _overlap(found: Array, faces: Array) -> Array:
    """(D, 4), (N, 4) -> (D, N) IoU of boxes that include their far edges."""
    a, b = found.T[:, :, None], faces.T[:, None, :]  # 4,D,1 and 4,1,N
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0]) + 1
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1]) + 1
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = _size(a) + _size(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def _overlap_matlab(found: Array, faces: Array) -> Array:
    """The same in MATLAB's int32: every result is rounded, halves away from zero. (D, N), 0 or 1."""
    a, b = found.T[:, :, None], faces.T[:, None, :]
    whole = _round(a)
    width = np.minimum(whole[2], b[2]) - np.maximum(whole[0], b[0]) + 1
    height = np.minimum(whole[3], b[3]) - np.maximum(whole[1], b[1]) + 1
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = _round(_size(a) + _size(b)) - shared  # the size of a detection alone is not rounded
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(shared > 0, _round(shared / union), 0.0)


def _size(sides: Array) -> Array:
    return (sides[2] - sides[0] + 1) * (sides[3] - sides[1] + 1)


def _round(values: Array) -> Array:
    return np.trunc(values + np.copysign(0.5, values))
