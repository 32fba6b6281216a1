"""Fisher's linear discriminant: which directions tell people apart, and which only their photos."""

from __future__ import annotations

import numpy as np

from deepanon.audit.learning.features import unit
from deepanon.geometry import Array


class Discriminant:
    """Fisher's linear discriminant with shrinkage: directions that tell people apart come first, at equal noise.

    Args:
        vectors: (N, D).
        people: (N,) int64; people with a single vector say nothing of the noise, but count as people.
        shrinkage: in (0, 1].
    """

    def __init__(self, vectors: Array, people: Array, shrinkage: float) -> None:
        self.mean = vectors.mean(axis=0)
        _, column = np.unique(people, return_inverse=True)
        counts = np.bincount(column)
        means = np.zeros((len(counts), vectors.shape[1]))
        np.add.at(means, column, vectors)
        means /= counts[:, None]
        noise = np.cov((vectors - means[column]).T) * len(vectors) / max(len(vectors) - len(counts), 1)
        noise = np.atleast_2d(noise)
        even = np.trace(noise) / len(noise) + 1e-9
        values, directions = np.linalg.eigh((1 - shrinkage) * noise + shrinkage * even * np.eye(len(noise)))
        white = directions / np.sqrt(np.maximum(values, 1e-12))
        told, turned = np.linalg.eigh(np.atleast_2d(np.cov(((means - self.mean) @ white).T)))
        share = np.clip(told - 1 / counts.mean(), 0, None)  # of the spread of means, noise makes 1 / photos
        self.matrix = white @ turned * np.sqrt(share / (share + 1 / counts.mean()))

    def __call__(self, vectors: Array) -> Array:
        """(M, D) -> (M, D) float32 of unit length."""
        return unit((vectors - self.mean) @ self.matrix).astype(np.float32)
