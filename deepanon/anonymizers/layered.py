"""Several small losses, one after the other: fewer pixels, noise, fewer levels, and JPEG on top."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg

from deepanon.anonymizers.filter import FaceFilter
from deepanon.anonymizers.pixelate import MOST_CELLS, SMALLEST_CELL
from deepanon.checks import check_range
from deepanon.geometry import Array


class Layers(NamedTuple):
    """How much each layer takes away.

    The published restorers learnt from faces of 512 px that were reduced to 17 px at least, with noise of at most 20
    levels (DiffBIR v2.1: 30) and JPEG of quality 30 at least (GFPGAN: 64 px, 20, 60). What lies within that comes back
    looking sharp, so both presets lie outside: fewer cells than 17, quality below 30, noise above 20, and above 30 in
    the strong one. Fewer levels are in no training set. All this stops restorers as they are; one that is trained on
    this method's own results is stopped by nothing but the lack of information, which an audit has to measure.

    Attributes:
        cells: pixels that are left across the larger side of the face.
        noise: deviation of Gaussian noise in levels of 255.
        bits: for each colour; 2 to the power of that are the levels that are left.
        quality: of the JPEG, 4:2:0.
    """

    cells: int
    noise: float
    bits: int
    quality: int


LITE = Layers(cells=12, noise=25.0, bits=5, quality=20)
STRONG = Layers(cells=8, noise=40.0, bits=4, quality=10)


def layered(face: Array, rng: np.random.Generator, *, layers: Layers) -> Array:
    """Area mean of few pixels, noise, few levels, JPEG, and back in flat blocks.

    In this order: noise before the reduction would be averaged away; JPEG comes last, so that it decides about the
    noise too. The noise is new for every face: it comes from the face's seed, by default from the operating system. A
    cell has 3 px at least, so that a tiny face does not stay as it is.
    """
    height, width = face.shape[:2]
    across = min(layers.cells, max(1, max(height, width) // SMALLEST_CELL))
    size = [max(1, round(side * across / max(height, width))) for side in (width, height)]
    small = cv2.resize(face, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3).astype(np.float64)
    small = (small + rng.normal(0, layers.noise, small.shape)).clip(0, 255)
    coarse = _compressed(quantised(small, layers.bits), layers.quality)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST))


def quantised(values: Array, bits: int) -> Array:
    """Floats in [0, 255] -> the nearest of 2**bits levels, 0 and 255 among them, as uint8."""
    steps = 2**bits - 1
    return np.asarray((np.rint(values * (steps / 255)) * (255 / steps)).round().astype(np.uint8))


def _compressed(picture: Array, quality: int) -> Array:
    blob = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality, colorspace="RGB", colorsubsampling="420")
    return np.asarray(simplejpeg.decode_jpeg(blob, colorspace="RGB"))


def layered_filter(
    cells: int = LITE.cells, noise: float = LITE.noise, bits: int = LITE.bits, quality: int = LITE.quality
) -> FaceFilter:
    """The method `layered`.

    Args:
        cells: 1 to 1024.
        noise: 0 to 255.
        bits: 1 to 8; 8 leaves all levels.
        quality: 1 to 100.

    Raises:
        OptionError: out of range.
    """
    check_range("cells", cells, 1, MOST_CELLS, whole=True)
    check_range("noise", noise, 0, 255)
    check_range("bits", bits, 1, 8, whole=True)
    check_range("quality", quality, 1, 100, whole=True)
    return _built("layered", Layers(cells, noise, bits, quality), "layers")


def layered_lite() -> FaceFilter:
    """The method `layered_lite`: `LITE`."""
    return _built("layered_lite", LITE, "light layers")


def layered_strong() -> FaceFilter:
    """The method `layered_strong`: `STRONG`."""
    return _built("layered_strong", STRONG, "strong layers")


def _built(name: str, layers: Layers, what: str) -> FaceFilter:
    about = (
        f"{what}: area mean to {layers.cells} px across the larger side (cells of 3 px at least), Gaussian noise of "
        f"{layers.noise:g} levels, {layers.bits} bits a colour, JPEG {layers.quality} with 4:2:0, back in flat blocks"
    )
    return FaceFilter(name, partial(layered, layers=layers), about, random=layers.noise > 0)
