"""MTCNN (Zhang et al. 2016) with the weights of facenet-pytorch's wheel, and inference of our own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.detectors.mtcnn_networks import CELL, CHUNK, STRIDE, Judge, Proposer, packaged_networks
from deepanon.detectors.mtcnn_packaged import check_settings, padded, settings
from deepanon.detectors.summed_area import SummedArea
from deepanon.detectors.suppression import suppressed
from deepanon.detectors.tiles import detect_in_tiles
from deepanon.geometry import Array
from deepanon.images import check_pixels

FACTOR = 0.709  # from one level of the pyramid to the next
ROWS = 64  # of P-Net's windows at a time: its maps stay in a processor's cache, and memory does not grow with height


class Mtcnn:
    """Finds faces with boxes, scores and five keypoints: what `MtcnnPackaged` finds, in a fraction of its time.

    Every step is that of the package, windows of the resampling included; results differ by rounding.

    Args:
        min_face_size: smallest face to look for in pixels; the time grows with its inverse square.
        thresholds: score thresholds of the three stages, each in [0, 1]. The last one is the lowest score reported; for
            average precision lower all three, because a face that an early stage drops is never scored.
        device: where the networks run.

    Raises:
        OptionError: a value makes no sense.
    """

    name = "mtcnn"

    def __init__(
        self,
        min_face_size: int = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        device: torch.device | str = "cpu",
    ) -> None:
        self.smallest, self.thresholds = check_settings(min_face_size, thresholds)
        proposer, refiner, placer = packaged_networks()
        self.device = torch.device(device)
        self.proposer = Proposer(proposer, self.device)
        self.refiner = Judge(refiner, (3, 3, 0), self.device)
        self.placer = Judge(placer, (3, 3, 2, 0), self.device)
        self.description = f"MTCNN, weights of facenet-pytorch, {settings(self.smallest, self.thresholds)}"

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture of any size, largest first."""
        check_pixels(image)
        return detect_in_tiles(self._detect, image)

    @torch.inference_mode()
    def _detect(self, image: Array) -> Detections:
        height, width = image.shape[:2]
        picture = SummedArea(padded(image))
        proposed = self._proposals(picture)
        scores, shifts, _, boxes = self._judged(self.refiner, picture, proposed, 24, self.thresholds[1])
        kept = suppressed(boxes, scores, 0.7)
        boxes = _squared(_moved(boxes[kept], shifts[kept]))
        scores, shifts, points, boxes = self._judged(self.placer, picture, boxes, 48, self.thresholds[2])
        points = _placed(points, boxes)
        boxes = _moved(boxes, shifts)
        kept = _largest_first(boxes, _without_nested(boxes, scores, 0.7))
        kept = kept[geometry.inside(boxes[kept], width, height)]  # the shifts can shrink a box to nothing
        return Detections(boxes[kept], scores[kept], points[kept], schema=FIVE)

    def _proposals(self, picture: SummedArea) -> Array:
        """(N, 4) float32 squares in which the first network sees a face, on any level."""
        levels = [self._level(picture, scale) for scale in self._scales(picture)]
        if not levels:
            return np.zeros((0, 4), np.float32)
        found, scores, shifts = (torch.cat([level[i] for level in levels]) for i in range(3))
        kept = suppressed(found.numpy(), scores.numpy(), 0.7)
        boxes, moves = found.numpy()[kept], shifts.numpy()[kept]
        return _squared(boxes + moves * np.tile(boxes[:, 2:] - boxes[:, :2], 2))

    def _scales(self, picture: SummedArea) -> Iterator[float]:
        scale = CELL / self.smallest
        shorter = min(picture.height, picture.width) * scale
        while shorter >= CELL:
            yield scale
            scale, shorter = scale * FACTOR, shorter * FACTOR

    def _level(self, picture: SummedArea, scale: float) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes (N, 4), scores (N,) and shifts (N, 4) of the windows on one level that look like a face."""
        height, width = int(picture.height * scale + 1), int(picture.width * scale + 1)
        parts = []
        windows = -(-(height - 2) // 2) - 4  # rows of them
        step = ROWS if self.device.type == "cpu" else windows
        for start in range(0, windows, step):
            last = min(height, STRIDE * (min(start + step, windows) - 1) + CELL)
            rows = picture.rows(STRIDE * start, last, height, width)
            at, scores, shifts = self.proposer(rows, self.thresholds[0])
            at[:, 1] += start
            parts.append((at, scores, shifts))
        at, scores, shifts = (torch.cat([part[i] for part in parts]).cpu() for i in range(3))
        corner = at.float() * STRIDE
        boxes = torch.cat([(corner + 1) / scale, (corner + CELL) / scale], dim=1).floor()
        kept = torch.from_numpy(suppressed(boxes.numpy(), scores.numpy(), 0.5))
        return boxes[kept], scores[kept], shifts[kept]

    def _judged(
        self, judge: Judge, picture: SummedArea, boxes: Array, side: int, threshold: float
    ) -> tuple[Array, Array, Array, Array]:
        """Scores, shifts and points of the crops above `threshold`, and their boxes."""
        regions = _regions(boxes, picture.width, picture.height)
        solid = (regions[:, 2:] > regions[:, :2]).all(axis=1)
        boxes, regions = boxes[solid], regions[solid]
        parts = [
            torch.cat([out if out.ndim > 1 else out[:, None] for out in judge(picture.crops(some, side))], dim=1).cpu()
            for some in (regions[start : start + CHUNK] for start in range(0, max(len(regions), 1), CHUNK))
        ]
        rows = torch.cat(parts).numpy()
        chosen = rows[:, 0] > threshold
        rows = rows[chosen]
        return rows[:, 0], rows[:, 1:5], rows[:, 5:], boxes[chosen]


def _squared(boxes: Array) -> Array:
    """Squares around the same centres, with the longer side."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    low = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([low, low + side], axis=1)


def _moved(boxes: Array, shifts: Array) -> Array:
    """Boxes with every edge moved by a fraction of the side; these networks count the far edge in."""
    return boxes + shifts * np.tile(boxes[:, 2:] - boxes[:, :2] + 1, 2)


def _placed(points: Array, boxes: Array) -> Array:
    """(N, 10) fractions of a box, first all x, then all y -> (N, 5, 2) pixels."""
    points = points.reshape(-1, 2, 5).transpose(0, 2, 1)
    return points * (boxes[:, 2:] - boxes[:, :2] + 1)[:, None] + boxes[:, None, :2] - 1


def _regions(boxes: Array, width: int, height: int) -> Array:
    """Whole pixels that are cut out, at most up to the borders: (N, 4) float -> (N, 4) int64."""
    low = np.maximum(np.trunc(boxes[:, :2]), 1) - 1
    high = np.minimum(np.trunc(boxes[:, 2:]), [width, height])
    return np.concatenate([low, high], axis=1).astype(np.int64)


def _without_nested(boxes: Array, scores: Array, most: float) -> Array:
    """Rows, best first, without those that share more than `most` of the smaller box with a better one."""
    order, kept = np.argsort(scores)[::-1], []
    low, high = boxes[:, :2], boxes[:, 2:] + 1
    areas = (high - low).prod(axis=1)
    while len(order):
        best, others = order[0], order[1:]
        kept.append(best)
        shared = np.minimum(high[best], high[others]) - np.maximum(low[best], low[others])
        shared = np.maximum(shared, 0).prod(axis=1)
        order = others[shared / np.minimum(areas[best], areas[others]) <= most]
    return np.array(kept, dtype=np.int64)


def _largest_first(boxes: Array, rows: Array) -> Array:
    size = boxes[rows, 2:] - boxes[rows, :2]
    return rows[np.argsort(size[:, 0] * size[:, 1])[::-1]]
