"""Removal without replacement."""

from __future__ import annotations

import numpy as np

from deepanon.anonymizers.cover import Hole
from deepanon.geometry import Array


def blackout(face: Array, rng: np.random.Generator) -> Array:
    """True black."""
    return np.zeros_like(face)


def blackout_ellipse(face: Array, rng: np.random.Generator) -> Array:
    """Black in the ellipse that touches all four sides of the box; the corners stay as they are.

    Weak: the outline of the face, hair and what else lies in the corners stay. It is here because it is used, and so
    that an audit can say what it is worth.
    """
    height, width = face.shape[:2]
    y, x = ((np.arange(side) + 0.5) * (2 / side) - 1 for side in (height, width))
    result = face.copy()
    result[y[:, None] ** 2 + x[None, :] ** 2 <= 1] = 0
    return result


def noise(face: Array, rng: np.random.Generator) -> Array:
    """Gaussian noise with the mean and deviation of all the face's values: what DeepPrivacy's code calls black-out.

    That code assigns the floats to uint8, where values out of range wrap; here they are clipped.
    """
    values = rng.normal(face.mean(), face.std(), face.shape)
    return values.round().clip(0, 255).astype(np.uint8)


def solid(hole: Hole) -> Array:
    """One colour: the median of what lies around, channel by channel; nothing of what lay there decides it."""
    colour = np.median(hole.around, axis=0).round().astype(np.uint8)
    return np.broadcast_to(colour, (hole.height, hole.width, 3))
