"""What a recogniser sees of the person in a photo, before and after: the only place here where a network runs."""

from __future__ import annotations

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.embedders import Recogniser
from deepanon.errors import OptionError
from deepanon.evaluation.observing.stream import Record
from deepanon.geometry import Array

ORACLE, OWN = ALIGNMENTS = ("oracle", "own")
SAME_FACE = 0.3  # IoU from which what the attacker's detector finds is the subject's face


class Vectors:
    """Observer: the vector of the photo's subject in the anonymized picture.

    The subject is the replaced face nearest to the middle of the picture, as in LFW. The pictures of variant "none" are
    the originals, and so their vectors are the gallery.

    Args:
        recogniser: who looks.
        alignment: "oracle" cuts the new face at the box and keypoints of the original: whatever the anonymizer did to
            detectors protects nobody, the worst case. "own" lets the attacker's `detector` find it, in originals too:
            how it would be done by somebody who has nothing but the picture.
        detector: of the attacker; for "own" only.
        threshold: score from which that detector has found a face.

    Raises:
        OptionError: unknown alignment, "own" without a detector, or a detector that would not be used.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        alignment: str = "oracle",
        detector: Detector | None = None,
        threshold: float = 0.0,
    ) -> None:
        if alignment not in ALIGNMENTS:
            raise OptionError(f"unknown alignment {alignment!r}; choose one of: {', '.join(ALIGNMENTS)}")
        if (detector is None) == (alignment == "own"):
            wants = "needs" if detector is None else "takes no"
            raise OptionError(f"alignment {alignment!r} {wants} detector of the attacker (detector=)")
        self.recogniser, self.alignment, self.detector = recogniser, alignment, detector
        self.threshold = threshold

    @property
    def key(self) -> str:
        """All that the vectors depend on."""
        finder = "" if self.detector is None else f"{self.detector.description}, from {self.threshold:g}"
        return f"identity vectors; {self.recogniser.description}; alignment: {self.alignment} {finder}".rstrip()

    def __call__(self, record: Record) -> dict[str, Array]:
        """{"vector": (D,) float32 of unit length}; NaN where no face was found or cut: a failed detection.

        Raises:
            SchemaError: keypoints of another schema than the recogniser's cut needs.
            ModelError: the network gives no usable vector.
        """
        face = subject(record.detections, record.original)
        if self.detector is not None and len(face):
            found = record.found_by(self.detector)
            face = nearest(face, found[found.scores >= self.threshold])
        if not len(face):
            return {"vector": np.full(self.recogniser.length, np.nan, dtype=np.float32)}
        return {"vector": self.recogniser(record.anonymized, face, record.name)[0]}


def subject(faces: Detections, image: Array) -> Detections:
    """The face whose middle is nearest to the middle of (H, W, 3) `image`: `Detections` of length 1, or 0 of none."""
    if not len(faces):
        return faces
    middle = np.array(image.shape[1::-1]) / 2
    away = np.linalg.norm((faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 - middle, axis=1)
    return faces[int(away.argmin())]


def nearest(face: Detections, found: Detections) -> Detections:
    """What of `found` overlaps `face` most, if IoU is 0.3 or more: `Detections` of length 1, or 0."""
    if not len(found):
        return found
    overlap = geometry.iou(face.boxes, found.boxes)[0]
    best = int(overlap.argmax())
    return found[best] if overlap[best] >= SAME_FACE else found[:0]
