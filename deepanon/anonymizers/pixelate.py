"""Pixelation, in the two senses of the word."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from deepanon.anonymizers.filter import FaceFilter
from deepanon.checks import check_range
from deepanon.geometry import Array

MOST_CELLS = 1024
PIXELATE_CELLS = 4
MOSAIC_CELLS = 8  # across the shorter side of the face
SMALLEST_CELL = 3  # px; on tiny faces cells of one pixel would leave the face as it is


def pixelate(face: Array, rng: np.random.Generator, *, cells: int) -> Array:
    """Bilinear down to `cells` x `cells` and bilinear back up: smooth, as DeepPrivacy's code compares with.

    By that definition a face of fewer than `cells` pixels loses next to nothing.
    """
    height, width = face.shape[:2]
    small = cv2.resize(face, (cells, cells), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def pixelate_filter(cells: int = PIXELATE_CELLS) -> FaceFilter:
    """The method `pixelate`; `OptionError` unless there are 1 to 1024 cells."""
    check_range("cells", cells, 1, MOST_CELLS, whole=True)
    about = f"bilinear to {cells} x {cells} and bilinear back"
    return FaceFilter("pixelate", partial(pixelate, cells=cells), about)


def pixelate_in_crop(face: Array, *, cells: int) -> Array:
    """Bilinear down to `cells` x `cells`, and back up by area: flat blocks, as in DeepPrivacy's first scripts."""
    height, width = face.shape[:2]
    small = cv2.resize(face, (cells, cells), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA))


def mosaic(face: Array, rng: np.random.Generator, *, cells: int = MOSAIC_CELLS) -> Array:
    """Square cells of one mean colour each, `cells` across the shorter side of the face, of 3 px at least."""
    height, width = face.shape[:2]
    cell = max(SMALLEST_CELL, round(min(height, width) / cells))
    down, across = -(-height // cell), -(-width // cell)
    padded = np.pad(face, [(0, down * cell - height), (0, across * cell - width), (0, 0)], mode="edge")
    means = padded.reshape(down, cell, across, cell, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    return means.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]


def mosaic_filter(cells: int = MOSAIC_CELLS) -> FaceFilter:
    """The method `mosaic`; `OptionError` unless there are 1 to 1024 cells."""
    check_range("cells", cells, 1, MOST_CELLS, whole=True)
    about = f"square cells, {cells} across the shorter side, 3 px at least"
    return FaceFilter("mosaic", partial(mosaic, cells=cells), about)
