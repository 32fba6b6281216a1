"""What an attacker does to a picture in the hope that a cloak does not survive it; none of it knows the cloak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import simplejpeg

from deepanon.audit.people.samples import Samples
from deepanon.geometry import Array

# picture, chance -> picture of the same size, and the scale and shift (x, y) by which its contents moved
Purification = Callable[[Array, np.random.Generator], tuple[Array, float, Array]]

STILL = np.zeros(2)
SMALLEST = 0.9  # of the side, in a random padding (R&P, Xie et al. 2018)


def jpeg(picture: Array, rng: np.random.Generator, *, quality: int) -> tuple[Array, float, Array]:
    """To JPEG and back, colours at half resolution."""
    contents = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=quality, colorsubsampling="420")
    return simplejpeg.decode_jpeg(contents), 1.0, STILL


def halved(picture: Array, rng: np.random.Generator) -> tuple[Array, float, Array]:
    """To half its size by area, and back by cubic interpolation."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)), 1.0, STILL


def median(picture: Array, rng: np.random.Generator) -> tuple[Array, float, Array]:
    """Median of 3 x 3."""
    return np.asarray(cv2.medianBlur(picture, 3)), 1.0, STILL


def blurred(picture: Array, rng: np.random.Generator) -> tuple[Array, float, Array]:
    """Gaussian blur, sigma 0.6."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.6)), 1.0, STILL


def padded(picture: Array, rng: np.random.Generator) -> tuple[Array, float, Array]:
    """A little smaller, somewhere in a black frame."""
    side = len(picture)
    small = int(rng.integers(round(SMALLEST * side), side + 1))
    left, top = (int(v) for v in rng.integers(0, side - small + 1, 2))
    result = np.zeros_like(picture)
    inner = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    result[top : top + small, left : left + small] = inner
    return result, small / side, np.array([left, top], dtype=float)


def shallow(picture: Array, rng: np.random.Generator) -> tuple[Array, float, Array]:
    """Five bits a channel, each level the middle of those that fall together."""
    return (picture // 8 * 8 + 4).astype(np.uint8), 1.0, STILL


PURIFICATIONS: dict[str, Purification] = {
    "jpeg 95": partial(jpeg, quality=95),
    "jpeg 75": partial(jpeg, quality=75),
    "jpeg 50": partial(jpeg, quality=50),
    "jpeg 30": partial(jpeg, quality=30),
    "half size": halved,
    "median 3": median,
    "blur 0.6": blurred,
    "random pad": padded,
    "five bits": shallow,
}


def purified(samples: Samples, how: Purification, seed: int) -> Samples:
    """Every picture by itself; boxes and keypoints go with what they are of."""
    made = [how(picture, np.random.default_rng([seed, row])) for row, picture in enumerate(samples.pictures)]
    pictures, scales, shifts = zip(*made, strict=True)
    scale, shift = np.array(scales), np.stack(shifts)
    boxes = samples.boxes * scale[:, None] + np.tile(shift, 2)
    points = samples.keypoints * scale[:, None, None] + shift[:, None, :]
    return replace(
        samples,
        pictures=np.stack(pictures),
        boxes=boxes.astype(np.float32),
        keypoints=points.astype(np.float32),
        scales=None if samples.scales is None else (samples.scales * scale).astype(np.float32),
    )
