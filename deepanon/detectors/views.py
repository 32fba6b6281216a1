"""Detection on several views of one picture: other sizes find other faces, turned ones those that lie on a side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from deepanon.detections import Detections
from deepanon.detectors.suppression import suppressed
from deepanon.detectors.tiles import TILE
from deepanon.errors import OptionError
from deepanon.geometry import Array

QUARTER = 90  # degrees
TURNS = (0, 90, 180, 270)


def check_views(scales: Sequence[float], turns: Sequence[int], side: int | None) -> None:
    """Raise `OptionError` unless `detect_in_views` can do with these."""
    if not scales or not all(0 < scale <= 8 for scale in scales):
        raise OptionError(f"scales must be numbers above 0 and up to 8, one or more, got {scales!r}")
    if not turns or not set(turns) <= set(TURNS):
        raise OptionError(f"turns must be some of {', '.join(map(str, TURNS))} degrees, got {turns!r}")
    if side is not None and (isinstance(side, bool) or not isinstance(side, int) or side < 32):
        raise OptionError(f"side must be a whole number of pixels from 32, or None, got {side!r}")


def detect_in_views(
    detect: Callable[[Array], Detections],
    image: Array,
    scales: Sequence[float] = (1.0,),
    turns: Sequence[int] = (0,),
    side: int | None = None,
    nms: float = 0.3,
) -> Detections:
    """Run `detect` on every size in every direction; of two boxes with an IoU above `nms` the lower one is dropped.

    Args:
        detect: finds faces in an (H, W, 3) uint8 picture.
        image: (H, W, 3) uint8.
        scales: sizes to look at, as factors. Nothing is enlarged beyond a longest side of `TILE`, so that memory does
            not grow with a huge picture.
        turns: degrees, counter-clockwise, by which the picture is turned before it is looked at: of 0, 90, 180, 270.
        side: larger pictures are reduced to this longest side first, and `scales` are of that; None leaves them.
        nms: IoU in [0, 1].

    Returns:
        Boxes and keypoints in pixels of `image`, best score first. Keypoints keep their names: of a head that lies on
        its side, the left eye is the one that would be left if the head were upright.
    """
    longest = max(image.shape[:2])
    base = 1.0 if side is None else min(1.0, side / longest)
    sizes = dict.fromkeys(min(base * scale, max(1.0, TILE / longest)) for scale in scales)
    parts = []
    for size in sizes:
        sized = resized(image, size)
        for turn in dict.fromkeys(turns):
            found = detect(np.ascontiguousarray(np.rot90(sized, turn // QUARTER)) if turn else sized)
            parts.append(restored(found, turn, sized.shape[:2], image.shape[:2]))
    if len(parts) == 1:
        return parts[0]
    found = Detections.merge(parts)
    return found[suppressed(found.boxes, found.scores, nms)]


def resized(image: Array, scale: float) -> Array:
    """The picture at another size, at least a pixel wide and high: window means where smaller, linear where larger."""
    if scale == 1:
        return image
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def restored(found: Detections, turn: int, sized: tuple[int, ...], original: tuple[int, ...]) -> Detections:
    """Detections in a view, in pixels of the picture; `sized` and `original` are heights and widths."""
    if not turn and sized == original:
        return found
    factor = np.array([original[1] / sized[1], original[0] / sized[0]], dtype=np.float32)
    ends = _unturned(found.boxes.reshape(-1, 2, 2), turn, *sized) * factor
    boxes = np.concatenate([ends.min(axis=1), ends.max(axis=1)], axis=1)
    points = None if found.keypoints is None else _unturned(found.keypoints, turn, *sized) * factor
    return Detections(boxes, found.scores, points, found.labels, found.schema)


def _unturned(points: Array, turn: int, height: int, width: int) -> Array:
    """Points (..., 2) of a picture that was turned -> where they were before, when it was `width` x `height`."""
    x, y = points[..., 0], points[..., 1]
    back = {0: (x, y), 90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x)}[turn]
    return np.stack(back, axis=-1)
