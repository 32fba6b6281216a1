"""Removal without replacement."""

from __future__ import annotations

import numpy as np

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
