"""What of a face survives in another picture: compression changes pixels, a new face changes shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from deepanon import geometry
from deepanon.errors import OptionError
from deepanon.geometry import Array

INNER = (
    0.1  # of a box's sides is left away all around: detectors disagree by as much, and hair and background lie there
)
FACE = 48  # px to which a larger face is reduced before shapes are compared: what compression adds goes, features stay
WINDOWS = 6  # windows of comparison along the longer side of a face
ALIKE = 0.8  # structural similarity (Wang et al. 2004) from which a window shows the same
SHIFT = 12  # levels by which the mean of a window that shows the same may differ
WEAK = 72.0  # variance below which there is no structure, only noise: of 6 levels in both pictures
FLAT = 1.0  # standard deviation in levels under which an area shows nothing, not even to one who stretches contrast
CELL, AWAY = 5, 0.3  # px over which differences are averaged; how far from faces the rest begins, in sides of a box
LOUD, TIMES, FLOOR = 0.95, 2.0, 6.0  # noise: twice what 95 % of the rest stay under, but 6 levels at least
DETAIL, NEAR = 0.25, 9  # and more where there is detail: a quarter of its deviation within 9 px
FEWEST = 40  # cells; a smaller rest says nothing about noise
FOREIGN = 24.0  # levels: a rest that differs by more, at the median, is not of the same picture
STRIP = 250  # rows compared at a time, so that memory is bounded


@dataclass(frozen=True)
class Change:
    """What became of one face.

    Attributes:
        survives: share of the inner box in which the original is still seen.
        follows: correlation of the inner boxes, as grey pictures of 48 px at most; near 1 the same shapes are there,
            blurred, darkened or tinted.
        flat: nothing at all is seen there in the output: black, or one colour.
    """

    survives: float
    follows: float
    flat: bool

    @property
    def covered(self) -> float:
        """Share of the inner box in which something else is seen now."""
        return 1.0 - self.survives


class Comparison:
    """Two pictures of one size, held against each other.

    Compression is told from a new face in two ways: by how much the rest of the picture differs, and by shapes, which
    compression keeps.

    Args:
        original: (H, W, 3) uint8 RGB.
        output: likewise.
        boxes: (N, 4) where faces are or were, in either picture; all else is the rest.

    Attributes:
        noise: levels by which pixels differ that show the same; infinite if there is no rest to learn it from, and
            shapes alone decide.
        foreign: the rest differs so much that these are not the same picture.

    Raises:
        OptionError: the pictures differ in size.
    """

    def __init__(self, original: Array, output: Array, boxes: Array) -> None:
        if original.shape != output.shape:
            raise OptionError(f"pictures of one size are compared, not {original.shape} and {output.shape}")
        self.original, self.output = original, output
        rest = self._rest(boxes)
        self.noise = max(FLOOR, TIMES * float(np.quantile(rest, LOUD))) if len(rest) >= FEWEST else np.inf
        self.foreign = len(rest) >= FEWEST and float(np.median(rest)) > FOREIGN

    def __call__(self, box: Array) -> Change:
        """Look at one face, given by its (4,) box in pixels; a box outside the picture has nothing that survives."""
        height, width = self.original.shape[:2]
        x0, y0, x1, y1 = geometry.clip(geometry.outward(_inner(box)), width, height)
        if x1 <= x0 or y1 <= y0:
            return Change(0.0, 0.0, True)
        old, new = self.original[y0:y1, x0:x1], self.output[y0:y1, x0:x1]
        shrink = min(1.0, FACE / max(old.shape[:2]))
        size = (max(1, round((x1 - x0) * shrink)), max(1, round((y1 - y0) * shrink)))
        apart = _reduced(np.sqrt(cv2.blur(_squares(old, new), (CELL, CELL))), size)
        full = [cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32) for part in (old, new)]
        grey = [_reduced(part, size) for part in full]
        if grey[1].std() < FLAT:
            return Change(0.0, 0.0, True)
        same = _same_shapes(*grey) & (apart <= self.noise + DETAIL * _reduced(_detail(full[0]), size))
        return Change(float(same.mean()), _correlation(*grey), False)

    def _rest(self, boxes: Array) -> Array:
        """(M,) differences in levels of the cells away from all boxes."""
        height, width = (side // CELL * CELL for side in self.original.shape[:2])
        known = np.zeros((height // CELL, width // CELL), dtype=bool)
        cells = geometry.outward(geometry.grown(np.asarray(boxes, np.float64), np.full(len(boxes), AWAY)) / CELL)
        for x0, y0, x1, y1 in geometry.clip(cells, known.shape[1], known.shape[0]):
            known[y0:y1, x0:x1] = True
        parts = [_in_cells(old, new) for old, new in self._strips(height, width)]
        return np.concatenate(parts)[~known] if parts else np.zeros(0)

    def _strips(self, height: int, width: int) -> Iterator[tuple[Array, Array]]:
        for top in range(0, height, STRIP):
            rows = slice(top, min(top + STRIP, height))
            yield self.original[rows, :width], self.output[rows, :width]


def _squares(old: Array, new: Array) -> Array:
    """(H, W) float32: squared difference, mean over channels."""
    return np.asarray(np.square(old.astype(np.float32) - new).mean(axis=-1))


def _in_cells(old: Array, new: Array) -> Array:
    """(H / 5, W / 5): root mean square difference in every cell."""
    squares = _squares(old, new)
    height, width = squares.shape
    return np.asarray(np.sqrt(squares.reshape(height // CELL, CELL, width // CELL, CELL).mean(axis=(1, 3))))


def _inner(box: Array) -> Array:
    return np.asarray(geometry.grown(np.asarray(box, dtype=np.float64)[None], np.array([-INNER]))[0])


def _reduced(picture: Array, size: tuple[int, int]) -> Array:
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _same_shapes(old: Array, new: Array) -> Array:
    """(H, W) bool: the window around a pixel shows the same shapes in the same light."""
    window = max(3, max(old.shape) // WINDOWS | 1)

    def mean(values: Array) -> Array:
        return np.asarray(cv2.blur(values, (window, window), borderType=cv2.BORDER_REFLECT))

    means = mean(old), mean(new)
    variances = mean(old * old) - means[0] ** 2 + mean(new * new) - means[1] ** 2
    shared = mean(old * new) - means[0] * means[1]
    structure = (2 * shared + WEAK) / (variances + WEAK)
    return np.asarray((structure > ALIKE) & (np.abs(means[0] - means[1]) < SHIFT))


def _detail(grey: Array) -> Array:
    """(H, W): standard deviation around every pixel; compression errs most where it is large."""
    mean, square = (cv2.blur(values, (NEAR, NEAR)) for values in (grey, grey * grey))
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0)))


def _correlation(old: Array, new: Array) -> float:
    """In [-1, 1]; 0 where the original shows nothing."""
    if old.std() < FLAT:
        return 0.0
    return float(np.corrcoef(old.ravel(), new.ravel())[0, 1])
