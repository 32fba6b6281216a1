"""Blurs as DeepPrivacy's code compares with; the face alone is blurred, nothing outside the box enters."""

from __future__ import annotations

import cv2
import numpy as np

from deepanon.geometry import Array


def gaussian9(face: Array, rng: np.random.Generator) -> Array:
    """Gaussian blur, 9x9 kernel, sigma 3, whatever the size of the face."""
    return np.asarray(cv2.GaussianBlur(face, (9, 9), sigmaX=3, sigmaY=3))


def heavy_blur(face: Array, rng: np.random.Generator) -> Array:
    """Box filter whose side is 30 % of the face's width, but 3 pixels at least.

    The paper's code goes down to 1 pixel, which leaves faces narrower than 7 pixels as they are.
    """
    side = max(3, int(0.3 * face.shape[1]))
    return np.asarray(cv2.blur(face, (side, side)))
