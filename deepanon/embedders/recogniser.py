"""A recogniser: how a face is cut, and the network that turns the cut into a vector of who it is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from deepanon.detections import Detections
from deepanon.embedders.cuts import Cut
from deepanon.errors import ModelError
from deepanon.geometry import Array
from deepanon.images import check_pixels, to_float

if TYPE_CHECKING:
    from deepanon.embedders import Embedder


class Recogniser:
    """Turns faces in pictures into vectors of unit length; their dot product says how alike two faces are.

    Args:
        embedder: the network.
        cut: how faces are cut for it, as they were in its training: with another cut it recognises worse, and
            anonymization looks better than it is.
        name: what reports call it; None takes the embedder's.
        device: where the network runs.
    """

    def __init__(self, embedder: Embedder, cut: Cut, name: str | None = None, device: str = "cpu") -> None:
        self.embedder, self.cut, self.name, self.device = embedder, cut, name or embedder.name, torch.device(device)

    @property
    def description(self) -> str:
        """Network with the SHA-256 of its weights, input and cut in one line: equal lines give equal vectors."""
        return f"{self.embedder.description}; cut: {self.cut.description}"

    @cached_property
    def length(self) -> int:
        """D, how many numbers a vector has."""
        grey = torch.zeros(1, 3, self.cut.size, self.cut.size, device=self.device)
        return self.embedder(grey).shape[1]

    def __call__(self, image: Array, faces: Detections, name: str = "") -> Array:
        """Vectors of all faces of one picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            faces: where they are.
            name: of the picture, for messages.

        Returns:
            (N, D) float32 of unit length; NaN for a face that cannot be cut, e.g. without keypoints.

        Raises:
            SchemaError: the cut needs keypoints of another schema.
            ModelError: the network gives values that are not finite, or nothing but zeros.
        """
        check_pixels(image)
        windows = [self.cut(image, face) for face in faces]
        known = [row for row, window in enumerate(windows) if window is not None]
        if not known:
            return np.full((len(faces), self.length), np.nan, dtype=np.float32)
        found = self._embed(np.stack([window for window in windows if window is not None]), name)
        vectors = np.full((len(faces), found.shape[1]), np.nan, dtype=np.float32)
        vectors[known] = found
        return vectors

    def _embed(self, windows: Array, name: str) -> Array:
        """(M, S, S, 3) uint8 -> (M, D) float32 of unit length."""
        found = self.embedder(to_float(windows).to(self.device)).double().cpu().numpy()
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        if not (np.isfinite(norms).all() and (norms > 0).all()):
            what = "zeros only" if np.isfinite(norms).all() else "values that are not finite numbers"
            raise ModelError(
                f"recogniser {self.name!r} gives {what} for a face of {name or 'a picture'}: "
                "a broken network, or pictures fed to it in another range than it expects (mean, std)"
            )
        return np.asarray(found / norms, dtype=np.float32)
