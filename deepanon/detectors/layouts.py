"""What the outputs of ONNX face detectors mean, and how their pictures are prepared: one `Layout` a family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from deepanon.errors import ModelError
from deepanon.geometry import Array

STRIDES = (8, 16, 32)
CELL = 2  # anchors a cell of SCRFD


class Found(NamedTuple):
    """What a network found, in pixels of its input.

    Attributes:
        boxes: (N, 4) float32 x0 y0 x1 y1.
        scores: (N,) float32.
        points: (N, 5, 2) float32, or None.
    """

    boxes: Array
    scores: Array
    points: Array | None


@dataclass(frozen=True)
class Layout:
    """A family of networks.

    Attributes:
        decode: (outputs, height and width of the input) -> what they say; `ModelError` if they say something else.
        mean: subtracted from the levels 0 … 255.
        std: what the rest is divided by.
        fill: level of the padding, right and below.
        nms: IoU above which the lower of two boxes is dropped; None where the network has done so.
    """

    decode: Callable[[Sequence[Array], tuple[int, int]], Found]
    mean: float
    std: float
    fill: int
    nms: float | None


def scrfd(outputs: Sequence[Array], size: tuple[int, int]) -> Found:
    """SCRFD (Guo et al. 2021) as InsightFace exports it: scores, box edges and perhaps points for strides 8, 16, 32.

    Each cell has two anchors, at its upper left corner; edges and points are distances from there in strides.
    """
    if len(outputs) not in (6, 9):
        raise ModelError(f"SCRFD has 6 outputs, or 9 with keypoints, this network {len(outputs)}")
    parts = [_level([_of_size(outputs, width, size, stride) for width in _widths(outputs)], size, stride)
             for stride in STRIDES]  # fmt: skip
    points = None if parts[0].points is None else np.concatenate([part.points for part in parts])
    return Found(np.concatenate([p.boxes for p in parts]), np.concatenate([p.scores for p in parts]), points)


def _widths(outputs: Sequence[Array]) -> tuple[int, ...]:
    return (1, 4, 10) if len(outputs) == 9 else (1, 4)


def _of_size(outputs: Sequence[Array], width: int, size: tuple[int, int], stride: int) -> Array:
    """The output with so many numbers for each anchor of this stride, as (A, width)."""
    anchors = CELL * (size[0] // stride) * (size[1] // stride)
    for output in outputs:
        if output.size == anchors * width and output.shape[-1] == width:
            return output.reshape(anchors, width)
    shapes = [list(output.shape) for output in outputs]
    raise ModelError(f"SCRFD would have {anchors} x {width} numbers at stride {stride}; the outputs are {shapes}")


def _level(arrays: list[Array], size: tuple[int, int], stride: int) -> Found:
    """Decode one stride: scores (A, 1), edges (A, 4), perhaps points (A, 10)."""
    scores, edges = arrays[0][:, 0], arrays[1] * stride
    y, x = np.mgrid[: size[0] // stride, : size[1] // stride] * stride
    corners = np.stack([x, y], axis=-1).reshape(-1, 2).repeat(CELL, axis=0).astype(np.float32)
    boxes = np.concatenate([corners - edges[:, :2], corners + edges[:, 2:]], axis=1)
    points = corners[:, None] + arrays[2].reshape(-1, 5, 2) * stride if len(arrays) > 2 else None
    return Found(boxes, scores, points)


def yolo(outputs: Sequence[Array], size: tuple[int, int]) -> Found:
    """YOLOv8-face and its like as Ultralytics exports it: one output (1, 5, A), or (1, 20, A) with five keypoints.

    The rows: centre x, centre y, width, height, score, and for every point x, y and how sure it is.
    """
    rows = np.squeeze(outputs[0], axis=0) if outputs[0].ndim == 3 and len(outputs[0]) == 1 else outputs[0]
    if rows.ndim == 2 and rows.shape[0] not in (5, 20):
        rows = rows.T
    if len(outputs) != 1 or rows.ndim != 2 or rows.shape[0] not in (5, 20):
        shapes = [list(output.shape) for output in outputs]
        raise ModelError(f"a YOLO face network has one output (1, 5, A) or (1, 20, A), this one {shapes}")
    centre, half = rows[:2].T, rows[2:4].T / 2
    points = rows[5:].T.reshape(-1, 5, 3)[..., :2] if rows.shape[0] == 20 else None
    return Found(np.concatenate([centre - half, centre + half], axis=1), rows[4], points)


def boxes(outputs: Sequence[Array], size: tuple[int, int]) -> Found:
    """A network that has removed doubles itself: boxes (N, 4) in input pixels, scores (N,), perhaps points (N, 10).

    All three may have a leading axis of length 1.
    """
    batched = any(output.ndim == 3 and output.shape[-1] == 4 for output in outputs)  # all have a leading 1 then
    arrays = [output[0] for output in outputs] if batched else list(outputs)
    edges = [array for array in arrays if array.ndim == 2 and array.shape[1] == 4]
    scores = [array.reshape(-1) for array in arrays if array.ndim == 1 or array.shape[1:] == (1,)]
    points = [array.reshape(-1, 5, 2) for array in arrays if array.shape[1:] in ((10,), (5, 2))]
    if len(edges) != 1 or len(scores) != 1 or len(edges[0]) != len(scores[0]) or len(points) > 1:
        shapes = [list(output.shape) for output in outputs]
        raise ModelError(f"expected boxes (N, 4) and scores (N,), perhaps points (N, 10), the outputs are {shapes}")
    return Found(edges[0], scores[0], points[0] if points else None)


def end2end(outputs: Sequence[Array], size: tuple[int, int]) -> Found:
    """YOLOv9 with its suppression of doubles inside, of one class: one output (N, 7).

    The rows: number of the picture, x0 y0 x1 y1 in input pixels, class, score.
    """
    if len(outputs) != 1 or outputs[0].ndim != 2 or outputs[0].shape[1] != 7:
        shapes = [list(output.shape) for output in outputs]
        raise ModelError(f"a YOLOv9 end-to-end network has one output (N, 7), this one {shapes}")
    rows = outputs[0]
    if rows[:, [0, 5]].any():
        raise ModelError(f"expected one picture and one class, 0; the classes are {np.unique(rows[:, 5]).tolist()}")
    return Found(rows[:, 1:5], rows[:, 6], None)


LAYOUTS = {
    "scrfd": Layout(scrfd, mean=127.5, std=128.0, fill=0, nms=0.4),
    "yolo": Layout(yolo, mean=0.0, std=255.0, fill=114, nms=0.45),
    "end2end": Layout(end2end, mean=0.0, std=255.0, fill=114, nms=None),
    "boxes": Layout(boxes, mean=0.0, std=1.0, fill=0, nms=None),
}
