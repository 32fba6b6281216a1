"""What a network of the user says of every face: expression, age group, coefficients."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from deepanon.detections import Detections
from deepanon.embedders import Embedder
from deepanon.errors import ModelError, OptionError
from deepanon.evaluation.observing.stream import Record
from deepanon.geometry import Array
from deepanon.images import to_float

CLASSES, COEFFICIENTS = KINDS = ("classes", "coefficients")


class FaceCut(Protocol):
    """Cuts one face out of its picture, as the network expects it."""

    size: int

    @property
    def description(self) -> str:
        """How, in a few words."""
        ...

    def __call__(self, image: Array, face: Detections) -> Array | None:
        """(H, W, 3) uint8 and one face -> (size, size, 3) uint8; None if it cannot be cut."""
        ...


class Attributes:
    """Observer: what a network says of every annotated face, on the picture it is shown.

    Faces are cut by the annotated box, on the original and on the anonymized picture alike, whether a detector finds
    them or not.

    Args:
        network: gives one vector a picture: scores of classes, or coefficients.
        cut: how faces are cut for it. Annotated faces have no keypoints: it must get along with the box.
        kind: what the vector is: "classes", of which the largest counts, or "coefficients".

    Raises:
        OptionError: unknown kind.
    """

    def __init__(self, network: Embedder, cut: FaceCut, kind: str = CLASSES) -> None:
        if kind not in KINDS:
            raise OptionError(f"unknown kind of outputs {kind!r}; choose one of: {', '.join(KINDS)}")
        self.network, self.cut, self.kind = network, cut, kind
        self.key = f"attributes: {network.name}: {network.description}; cut: {cut.description}"

    def __call__(self, record: Record) -> dict[str, Array]:
        """ "outputs" (N, C) float32 of all annotated faces in order; NaN for one that cannot be cut.

        Raises:
            ModelError: the network gives values that are not finite.
        """
        boxes = record.photo.boxes
        faces = Detections(boxes, np.ones(len(boxes)))
        windows = [self.cut(record.anonymized, face) for face in faces]
        known = [row for row, window in enumerate(windows) if window is not None]
        if not known:
            return {"outputs": np.full((len(boxes), 0), np.nan, dtype=np.float32)}
        pictures = to_float(np.stack([window for window in windows if window is not None]))
        found = self.network(pictures).float().cpu().numpy()
        if not np.isfinite(found).all():
            raise ModelError(f"{self.network.name!r} gives values that are not finite numbers for {record.photo.name}")
        outputs = np.full((len(boxes), found.shape[1]), np.nan, dtype=np.float32)
        outputs[known] = found
        return {"outputs": outputs}
