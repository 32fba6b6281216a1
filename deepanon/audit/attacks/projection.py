"""From an unknown face to what is seen of it: a known method, and the sampling that follows, as matrices."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from deepanon.audit.attacks.operators import Operator, Place
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.windows import masks
from deepanon.errors import DataError
from deepanon.geometry import Array

WITHIN = 1e-3  # share of a sample's pixel that may come from outside the box
STEPS = 8  # places within a pixel of the photo at which the unknown face is looked up


@dataclass(frozen=True, eq=False)
class Projection:
    """What is seen of unknown faces: `seen = rows @ face @ columns.T`, in every channel.

    Faces are those of `windows`: the box stretched to a square. Rows of pixels that lie partly outside the box, and
    those that fill up smaller samples, are 0 on both sides.

    Attributes:
        rows: (N, H, s) float32.
        columns: (N, W, s) float32.
        seen: (N, 3, H, W) float32 in [0, 1].
        known: (N, 1, H, W) float32, 1 where a pixel of `seen` counts.
    """

    rows: Tensor
    columns: Tensor
    seen: Tensor
    known: Tensor

    def __len__(self) -> int:
        return len(self.seen)

    @property
    def side(self) -> int:
        """Of the unknown faces, s."""
        return self.rows.shape[2]

    def __getitem__(self, rows: slice) -> Projection:
        """Some of the samples."""
        return Projection(self.rows[rows], self.columns[rows], self.seen[rows], self.known[rows])

    def to(self, device: str) -> Projection:
        """The same on another device."""
        return Projection(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))

    def __call__(self, faces: Tensor) -> Tensor:
        """(N, 3, s, s) -> (N, 3, H, W), without rounding."""
        return torch.einsum("nhs,ncst,nwt->nchw", self.rows, faces, self.columns)

    def transposed(self, seen: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 3, s, s), the adjoint."""
        return torch.einsum("nhs,nchw,nwt->ncst", self.rows, seen, self.columns)


def project(samples: Samples, operator: Operator, side: int) -> Projection:
    """Projection of every sample that `operator` was applied to.

    Args:
        samples: anonymized, with `scales`.
        operator: of the method.
        side: s, of the unknown faces.

    Raises:
        DataError: the samples do not say their scale.
    """
    if samples.scales is None:
        raise DataError("samples without scales: the strength of a method in their pixels is unknown")
    boxes = _touched(samples)
    most = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=0), 1) if len(boxes) else (1, 1)
    n, width, height = len(samples), int(most[0]), int(most[1])
    rows, columns = np.zeros((n, height, side), np.float32), np.zeros((n, width, side), np.float32)
    seen = np.zeros((n, height, width, 3), np.float32)
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        down, across = _lines(samples, i, (x0, y0, x1, y1), operator, side)
        rows[i, : y1 - y0], columns[i, : x1 - x0] = down, across
        seen[i, : y1 - y0, : x1 - x0] = samples.pictures[i, y0:y1, x0:x1] / np.float32(255)
    known = (np.abs(rows).sum(axis=2)[:, :, None] * np.abs(columns).sum(axis=2)[:, None, :] > 0).astype(np.float32)
    parts = (rows, columns, (seen * known[..., None]).transpose(0, 3, 1, 2), known[:, None])
    return Projection(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))


def _lines(samples: Samples, row: int, touched: tuple[int, ...], operator: Operator, side: int) -> tuple[Array, Array]:
    """(h, s) and (w, s): unknown face -> box in the photo -> method -> sample."""
    assert samples.scales is not None
    region = max(round(samples.size / float(samples.scales[row])), 1)
    box = np.rint(samples.boxes[row].astype(np.float64) * region / samples.size).astype(int)
    box[2:] = np.maximum(box[2:], box[:2] + 1)
    x0, y0, x1, y1 = (int(v) for v in box)
    down, across = operator(Place((x0, y0, x1, y1), region))

    def line(matrix: Array, low: int, high: int, first: int, last: int) -> Array:
        sampled = _sampling(low, high, region, samples.size)[first:last]
        sampled[np.abs(sampled.sum(axis=1) - 1) > WITHIN] = 0
        return np.asarray(sampled @ matrix @ _looking(low, high, first, last, samples.size / region, side))

    left, top, right, bottom = touched
    return line(down, y0, y1, top, bottom), line(across, x0, x1, left, right)


def _sampling(low: int, high: int, region: int, size: int) -> Array:
    """(size, high - low): what `cut_picture` does along one side of the box."""
    inside = np.zeros((region, high - low), dtype=np.float32)
    inside[low:high] = np.eye(high - low, dtype=np.float32)
    if size == region:
        return inside.astype(np.float64)
    sampling = cv2.INTER_AREA if size < region else cv2.INTER_CUBIC
    return cv2.resize(inside, (high - low, size), interpolation=sampling).astype(np.float64)


def _looking(low: int, high: int, first: int, last: int, scale: float, side: int) -> Array:
    """(high - low, side): pixels of the photo from those of the unknown face, which fills `first` to `last`."""
    within = (np.arange(STEPS) + 0.5) / STEPS
    at = (np.arange(low, high)[:, None] + within) * scale - first
    at = np.clip(at * side / (last - first) - 0.5, 0, side - 1)
    below = np.minimum(at.astype(int), side - 2)
    made = np.zeros((high - low, side))
    rows = np.broadcast_to(np.arange(high - low)[:, None], at.shape)
    np.add.at(made, (rows, below), (1 - (at - below)) / STEPS)
    np.add.at(made, (rows, below + 1), (at - below) / STEPS)
    return made


def _touched(samples: Samples) -> Array:
    """(N, 4) int64, the pixels that `windows` stretches to the square."""
    boxes = []
    for mask in masks(samples):
        y, x = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        boxes.append((x[0], y[0], x[-1] + 1, y[-1] + 1))
    return np.array(boxes, dtype=np.int64).reshape(-1, 4)
