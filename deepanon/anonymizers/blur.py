"""Blurs: those DeepPrivacy's code compares with, and today's; the face alone enters, nothing outside the box."""

from __future__ import annotations

import cv2
import numpy as np

from deepanon.geometry import Array

SIGMA = 0.1  # of the larger side of the face
SMALLEST_SIGMA = 2.0  # px; less leaves a tiny face as it is


def gaussian9(face: Array, rng: np.random.Generator) -> Array:
    """Gaussian blur, 9x9 kernel, sigma 3, whatever the size of the face."""
    return np.asarray(cv2.GaussianBlur(face, (9, 9), sigmaX=3, sigmaY=3))


def gaussian(face: Array, rng: np.random.Generator) -> Array:
    """Gaussian blur whose sigma is a tenth of the larger side of the box, but 2 pixels at least.

    So ImageNet's faces were blurred (Yang et al. 2022, "A Study of Face Obfuscation in ImageNet"), there in a larger
    region with soft edges, and with one sigma a picture, that of its largest face.
    """
    sigma = max(SMALLEST_SIGMA, SIGMA * max(face.shape[:2]))
    return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma))


def heavy_blur(face: Array, rng: np.random.Generator) -> Array:
    """Box filter whose side is 30 % of the face's width, but 3 pixels at least.

    The paper's code goes down to 1 pixel, which leaves faces narrower than 7 pixels as they are.
    """
    side = max(3, int(0.3 * face.shape[1]))
    return np.asarray(cv2.blur(face, (side, side)))


def gaussian9_in_crop(face: Array) -> Array:
    """Gaussian blur, 9x9 kernel, sigma 3, of the face at 128 px."""
    return np.asarray(cv2.GaussianBlur(face, (9, 9), sigmaX=3, sigmaY=3))


def heavy_blur_in_crop(face: Array) -> Array:
    """Box filter whose side is 30 % of the face's shorter side at 128 px, but 3 pixels at least (the scripts: 1)."""
    side = max(3, int(0.3 * min(face.shape[:2])))
    return np.asarray(cv2.blur(face, (side, side)))
