"""Removal without replacement."""

from __future__ import annotations

import numpy as np

from deepanon.anonymizers.cover import Hole
from deepanon.geometry import Array


def blackout(face: Array, rng: np.random.Generator) -> Array:
    """True black."""
    return np.zeros_like(face)


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
