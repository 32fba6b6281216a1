"""What the library's classical methods do to a face, as matrices: whoever knows the method has them.

Every one of them is linear up to rounding and separable: face X (h, w) becomes `rows @ X @ columns.T`, channel by
channel. Each matrix is what OpenCV makes of the unit matrix, so borders are the method's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from deepanon.anonymizers.blur import SHARE, SIGMA, SMALLEST_SIGMA
from deepanon.anonymizers.crop_filter import SIDE
from deepanon.anonymizers.grammar import read_chain
from deepanon.anonymizers.options import read_options
from deepanon.anonymizers.pixelate import MOSAIC_CELLS, PIXELATE_CELLS, SMALLEST_CELL
from deepanon.errors import OptionError
from deepanon.geometry import Array


@dataclass(frozen=True)
class Place:
    """Where in its square crop a face was, in whole pixels of the photo.

    Attributes:
        box: x0, y0, x1, y1 within the crop.
        side: of the crop.
    """

    box: tuple[int, int, int, int]
    side: int

    @property
    def height(self) -> int:
        """Of the box."""
        return self.box[3] - self.box[1]

    @property
    def width(self) -> int:
        """Of the box."""
        return self.box[2] - self.box[0]


SMALLEST_SIDE = 3  # px of the box filter
Operator = Callable[[Place], tuple[Array, Array]]  # rows (h, h) and columns (w, w), float64
Line = Callable[[int], Array]  # length n -> (n, n), what happens along one side


def _both(line: Line, height: int, width: int) -> tuple[Array, Array]:
    return line(height), line(width)


def _unit(n: int) -> Array:
    return np.eye(n, dtype=np.float32)


def _gaussian(n: int, *, sigma: float, taps: int) -> Array:
    return cv2.GaussianBlur(_unit(n), (1, taps), sigmaX=sigma, sigmaY=sigma).astype(np.float64)


def _box_filter(n: int, *, side: int) -> Array:
    return cv2.blur(_unit(n), (1, side)).astype(np.float64)


def _resized(image: Array, n: int, sampling: int = cv2.INTER_LINEAR) -> Array:
    """(m, k) -> (n, k) float64: resampled down its columns."""
    wide = image.astype(np.float32)
    return cv2.resize(wide, (wide.shape[1], n), interpolation=sampling).astype(np.float64)


def _cells(n: int, *, cells: int, back: int = cv2.INTER_LINEAR) -> Array:
    return _resized(_resized(_unit(n), cells), n, back)


def _mosaic_line(n: int, *, cell: int) -> Array:
    count = -(-n // cell)
    padded = np.eye(n)[np.minimum(np.arange(count * cell), n - 1)]
    return padded.reshape(count, cell, n).mean(axis=1).repeat(cell, axis=0)[:n]


def _wide_gaussian(sigma: float = SIGMA) -> Operator:
    def operator(place: Place) -> tuple[Array, Array]:
        wide = max(SMALLEST_SIGMA, sigma * max(place.height, place.width))
        taps = round(6 * wide + 1) | 1  # what OpenCV takes for 8-bit pictures
        return _both(partial(_gaussian, sigma=wide, taps=taps), place.height, place.width)

    return operator


def _boxed(share: float = SHARE) -> Operator:
    def operator(place: Place) -> tuple[Array, Array]:
        side = max(SMALLEST_SIDE, int(share * place.width))
        return _both(partial(_box_filter, side=side), place.height, place.width)

    return operator


def _mosaic(cells: int = MOSAIC_CELLS) -> Operator:
    def operator(place: Place) -> tuple[Array, Array]:
        cell = max(SMALLEST_CELL, round(min(place.height, place.width) / cells))
        return _both(partial(_mosaic_line, cell=cell), place.height, place.width)

    return operator


def _pixelated(cells: int = PIXELATE_CELLS) -> Operator:
    return _native(partial(_cells, cells=cells))


def _native(line: Line) -> Operator:
    """Of a method whose strength does not depend on the size of the face."""
    return lambda place: _both(line, place.height, place.width)


def _in_crop(lines: Callable[[int, int], Line]) -> Operator:
    """Of a method that works in the crop at `SIDE` px; `lines` is given height and width of the box there."""

    def operator(place: Place) -> tuple[Array, Array]:
        scale = SIDE / place.side
        low = np.clip(np.floor(np.array(place.box[:2]) * scale), 0, SIDE).astype(int)
        high = np.clip(np.ceil(np.array(place.box[2:]) * scale), 0, SIDE).astype(int)
        across, down = (high - low).tolist()
        line = lines(down, across)
        return (
            _through_crop(place.box[1], place.box[3], low[1], high[1], place.side, line),
            _through_crop(place.box[0], place.box[2], low[0], high[0], place.side, line),
        )

    return operator


def _through_crop(start: int, end: int, low: int, high: int, side: int, line: Line) -> Array:
    """(n, n): down to `SIDE`, `line` inside the box, and back; what lies outside the box is left out at its rim."""
    inside = np.zeros((side, end - start), dtype=np.float32)
    inside[start:end] = _unit(end - start)
    down = _resized(inside, SIDE, cv2.INTER_AREA)[low:high]
    back = np.zeros((SIDE, high - low), dtype=np.float32)
    back[low:high] = _unit(high - low)
    up = _resized(back, side)[start:end]
    return np.asarray(_shares(up) @ line(high - low) @ _shares(down))


def _shares(matrix: Array) -> Array:
    return np.asarray(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-6))


NINE = partial(_gaussian, sigma=3, taps=9)

OPERATORS: dict[str, Callable[..., Operator]] = {  # arguments are the options of the method
    "gaussian": _wide_gaussian,
    "gaussian9": lambda: _native(NINE),
    "heavy_blur": _boxed,
    "pixelate": _pixelated,
    "pixelate8": lambda: _pixelated(8),
    "pixelate16": lambda: _pixelated(16),
    "mosaic": _mosaic,
    "gaussian9_crop": lambda: _in_crop(lambda height, width: NINE),
    "heavy_blur_crop": lambda: _in_crop(
        lambda height, width: partial(_box_filter, side=max(3, int(0.3 * min(height, width))))
    ),
    "pixelate8_crop": lambda: _in_crop(lambda height, width: partial(_cells, cells=8, back=cv2.INTER_AREA)),
    "pixelate16_crop": lambda: _in_crop(lambda height, width: partial(_cells, cells=16, back=cv2.INTER_AREA)),
}


def operator_of(method: str) -> Operator | None:
    """The operator of a method as it is written, "gaussian:sigma=0.12"; None if none is known."""
    if not method:
        return None
    try:
        stages = read_chain(method)
    except OptionError:  # somebody's own name for a method of their own
        return None
    if len(stages) > 1 or stages[0].name not in OPERATORS:
        return None
    build = OPERATORS[stages[0].name]
    return build(**read_options(stages[0].name, build, stages[0].options))
