"""What an attacker reads off a sample beside a recogniser's vector: its pixels, small."""

from __future__ import annotations

import cv2
import numpy as np

from deepanon.audit.people.samples import Samples
from deepanon.audit.people.windows import windows
from deepanon.geometry import Array

WHOLE, BOX = 16, 24  # px of a side: the whole sample with its surroundings, the face's box
KEPT = 200  # principal components


def pixels(samples: Samples) -> Array:
    """(N, WHOLE² · 3 + BOX² · 3) float32 around 0: whole sample and box, each with its mean colour taken out of it."""
    whole = np.stack([cv2.resize(p, (WHOLE, WHOLE), interpolation=cv2.INTER_AREA) for p in samples.pictures])
    parts = [part.reshape(len(samples), -1, 3) / np.float32(127.5) for part in (whole, windows(samples, BOX))]
    return np.concatenate([(part - part.mean(axis=1, keepdims=True)).reshape(len(samples), -1) for part in parts], 1)


def unit(vectors: Array) -> Array:
    """Rows at unit length; a row of zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


class Components:
    """Principal components of some vectors; those of little spread count for more than they did, and noise for nothing.

    What comes out has mean squared length 1 on the vectors that were learnt from.

    Args:
        vectors: (N, D) to learn from.
        kept: at most.
    """

    def __init__(self, vectors: Array, kept: int = KEPT) -> None:
        self.mean = vectors.mean(axis=0)
        _, sizes, rows = np.linalg.svd(vectors - self.mean, full_matrices=False)
        told = int((sizes > 1e-4 * max(float(sizes[0]), 1e-12)).sum()) if len(sizes) else 0
        keep = max(1, min(kept, told))
        spread = np.maximum(sizes[:keep] / np.sqrt(max(len(vectors), 1)), 1e-8)
        rows = rows[:keep] / spread[:, None] ** 0.5  # half way to white
        self.rows = rows / np.sqrt(max(float(spread.sum()), 1e-12))  # spread² / spread, summed

    def __call__(self, vectors: Array) -> Array:
        """(M, D) -> (M, K) float32."""
        return ((vectors - self.mean) @ self.rows.T).astype(np.float32)
