"""Blurs: those DeepPrivacy's code compares with, and today's; the face alone enters, nothing outside the box."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from deepanon.anonymizers.filter import FaceFilter
from deepanon.checks import check_range
from deepanon.geometry import Array

SIGMA = 0.1  # of the larger side of the face
SMALLEST_SIGMA = 2.0  # px; less leaves a tiny face as it is
SHARE = 0.3  # of the face's width: side of the box filter
SMALLEST_SIDE = 3  # px, of that


def gaussian9(face: Array, rng: np.random.Generator) -> Array:
    """Gaussian blur, 9x9 kernel, sigma 3, whatever the size of the face."""
    return np.asarray(cv2.GaussianBlur(face, (9, 9), sigmaX=3, sigmaY=3))


def gaussian(face: Array, rng: np.random.Generator, *, sigma: float = SIGMA) -> Array:
    """Gaussian blur whose sigma is a share of the larger side of the box, a tenth by default, but 2 pixels at least.

    With a tenth ImageNet's faces were blurred (Yang et al. 2022, "A Study of Face Obfuscation in ImageNet"), there in
    a larger region with soft edges, and with one sigma a picture, that of its largest face.
    """
    pixels = max(SMALLEST_SIGMA, sigma * max(face.shape[:2]))
    return np.asarray(cv2.GaussianBlur(face, (0, 0), pixels))


def gaussian_filter(sigma: float = SIGMA) -> FaceFilter:
    """The method `gaussian`; `OptionError` unless sigma lies in [0.001, 1] of the larger side."""
    check_range("sigma", sigma, 0.001, 1)
    about = f"Gaussian blur, sigma {sigma} of the larger side, 2 px at least"
    return FaceFilter("gaussian", partial(gaussian, sigma=sigma), about)


def heavy_blur(face: Array, rng: np.random.Generator, *, share: float = SHARE) -> Array:
    """Box filter whose side is a share of the face's width, 30 % by default, but 3 pixels at least.

    The paper's code goes down to 1 pixel, which leaves faces narrower than 7 pixels as they are.
    """
    side = max(SMALLEST_SIDE, int(share * face.shape[1]))
    return np.asarray(cv2.blur(face, (side, side)))


def heavy_blur_filter(share: float = SHARE) -> FaceFilter:
    """The method `heavy_blur`; `OptionError` unless the share lies in [0.01, 2]."""
    check_range("share", share, 0.01, 2)
    about = f"box filter, {100 * share:g} % of the width, 3 px at least"
    return FaceFilter("heavy_blur", partial(heavy_blur, share=share), about)


def gaussian9_in_crop(face: Array) -> Array:
    """Gaussian blur, 9x9 kernel, sigma 3, of the face at 128 px."""
    return np.asarray(cv2.GaussianBlur(face, (9, 9), sigmaX=3, sigmaY=3))


def heavy_blur_in_crop(face: Array) -> Array:
    """Box filter whose side is 30 % of the face's shorter side at 128 px, but 3 pixels at least (the scripts: 1)."""
    side = max(SMALLEST_SIDE, int(SHARE * min(face.shape[:2])))
    return np.asarray(cv2.blur(face, (side, side)))
