"""Whether a new face is taken for the one that was there: similarity, and the threshold it is held against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections
from deepanon.embedders import Recogniser
from deepanon.errors import OptionError
from deepanon.evaluation.identity.reference import too_few
from deepanon.evaluation.identity.roc import far_threshold
from deepanon.evaluation.observing.vectors import nearest
from deepanon.geometry import Array

FAR = 0.001  # of strangers that a measured threshold takes for one person
FAR_HERE = 0.01  # likewise of a threshold from the pictures at hand, which hold fewer pairs
# SHA-256 of the network as `FileEmbedder.digest` says it -> similarity at `FAR`; see docs/verify.md for how
MEASURED = {"879662c555c826e7+4d8cdfa9447ddd6d": 0.36}  # face-reidentification-retail-0095, OpenVINO


def similarities(recogniser: Recogniser, original: Array, output: Array, faces: Detections, found: Detections) -> Array:
    """How alike the recogniser finds old and new face: (N,) cosines, NaN where the original face cannot be cut.

    The new face is cut where the old one was, and where a detector finds one now; the higher similarity counts.

    Args:
        recogniser: who looks.
        original: (H, W, 3) uint8 RGB.
        output: likewise.
        faces: of the original, N.
        found: faces of the output.

    Raises:
        SchemaError: the recogniser's cut needs keypoints of another schema.
        ModelError: the network gives no usable vector.
    """
    old = recogniser(original, faces)
    alike = np.einsum("nd,nd->n", old, recogniser(output, faces))
    for row, face in enumerate(faces):
        now = nearest(face, found)
        if len(now):
            alike[row] = np.fmax(alike[row], float(old[row] @ recogniser(output, now)[0]))
    return np.asarray(alike, dtype=np.float64)


def strangers(recogniser: Recogniser, original: Array, faces: Detections) -> Array:
    """(P,) cosines between the faces of one picture: they are of different people, as a rule."""
    vectors = recogniser(original, faces)
    apart = geometry.iou(faces.boxes, faces.boxes) == 0  # boxes that overlap may be one face, found twice
    alike = (vectors @ vectors.T)[np.triu(apart, 1)]
    return np.asarray(alike[np.isfinite(alike)], dtype=np.float64)


def measured_threshold(recogniser: Recogniser) -> float | None:
    """The threshold of a network that is known by its file, or None."""
    return MEASURED.get(getattr(recogniser.embedder, "digest", ""))


def threshold_here(alike: Sequence[float] | Array) -> float:
    """A threshold from `strangers` of the pictures at hand: 1 % of them are more alike.

    Raises:
        OptionError: there are fewer than 100 pairs, which fix no such threshold.
    """
    values = np.asarray(alike, dtype=np.float64)
    refused = too_few(len(values), FAR_HERE)
    if refused:
        raise OptionError(
            f"no threshold is known for this recogniser, and the pictures give none: {refused}; give one (--threshold)"
        )
    return float(far_threshold(values, np.ones((1, len(values))), FAR_HERE)[0])
