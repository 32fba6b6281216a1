"""Recognisers that need no weights: Fisherfaces, learnt in a second from clear faces of other people.

They know drawn people well enough to audit with and real ones badly: for photos take trained networks.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from deepanon.audit.learning.discriminant import Discriminant
from deepanon.audit.learning.features import Components, unit
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.windows import windows
from deepanon.embedders import Aligned
from deepanon.errors import DataError
from deepanon.geometry import Array

SIDE, SHRINKAGE, KEPT = 40, 0.05, 300  # px of the view; of the discriminant; principal components


def aligned_grey(samples: Samples) -> Array:
    """(N, SIDE, SIDE, 1) float32: brightness of the face by its keypoints, in equal light."""
    cut = Aligned("arcface", SIDE)
    faces = [cut(samples.pictures[row], samples.face(row)) for row in range(len(samples))]
    if any(face is None for face in faces):
        raise DataError("a face cannot be cut: keypoints that all lie on one spot")
    grey = [cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in faces if face is not None]
    return np.stack([cv2.equalizeHist(face) for face in grey])[..., None].astype(np.float32)


def boxed_colour(samples: Samples) -> Array:
    """(N, SIDE, SIDE, 3) float32: the box in colour."""
    return windows(samples, SIDE).astype(np.float32)


class Fisher:
    """Principal components, then a linear discriminant (Belhumeur et al. 1997).

    Args:
        name: in reports.
        view: samples -> (N, …) float32, what it looks at.
        samples: clear faces to learn from, of people who appear nowhere else.
    """

    def __init__(self, name: str, view: Callable[[Samples], Array], samples: Samples) -> None:
        self.name, self.view = name, view
        self.description = (
            f"Fisherfaces on {view.__name__.replace('_', ' ')} at {SIDE} px, learnt from {len(samples)} clear faces of "
            f"{len(np.unique(samples.people))} other people"
        )
        flat = self._flat(samples)
        self.components = Components(flat, KEPT)
        self.head = Discriminant(self.components(flat).astype(np.float64), samples.people, SHRINKAGE)

    def __call__(self, samples: Samples) -> Array:
        """(N, D) float32 of unit length."""
        return unit(self.head(self.components(self._flat(samples)).astype(np.float64))).astype(np.float32)

    def _flat(self, samples: Samples) -> Array:
        seen = self.view(samples).reshape(len(samples), -1)
        return seen - seen.mean(axis=1, keepdims=True)
