"""By which rules a detector's finds are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from deepanon.data.wider import AnnotatedPhoto
from deepanon.data.wider_truth import WiderTruth
from deepanon.detections import Detections
from deepanon.errors import lookup
from deepanon.evaluation.detection.coco_ap import coco_tables
from deepanon.evaluation.detection.wider_ap import wider_tables
from deepanon.evaluation.detection.wider_match import DOUBLE, MATLAB
from deepanon.geometry import Array


class Table(Protocol):
    """One way to count the faces of a set: a subset of them, an IoU."""

    @property
    def n_faces(self) -> int:
        """How many there are to find."""
        ...

    def average_precision(self) -> float:
        """In [0, 1]; NaN if there is no face to find."""
        ...

    def resampled(self, counts: Array) -> Array:
        """(R, n) how often each picture was drawn -> (R,) average precision."""
        ...


Scoring = Callable[[Sequence[Detections]], Mapping[str, Table]]  # finds of every photo, in order -> table by its name

PROTOCOLS = {
    "coco": "COCO's average precision: AP50 at IoU 0.5, AP50:95 over 0.50 … 0.95, small, medium and large faces",
    "wider": "the official protocol of WIDER FACE in double precision, as in the Python ports",
    "wider-matlab": "the official protocol of WIDER FACE in the arithmetic of the authors' MATLAB code",
}
ARITHMETIC = {"wider": DOUBLE, "wider-matlab": MATLAB}


def scoring(protocol: str, photos: Sequence[AnnotatedPhoto], truth: WiderTruth | None = None) -> Scoring:
    """The function that scores finds on `photos`.

    Args:
        protocol: one of `PROTOCOLS`.
        photos: annotated.
        truth: the official subsets, for WIDER's own photos; None makes one subset, "all", of the annotated faces.

    Raises:
        OptionError: unknown protocol.
        DataError: `truth` does not know a photo.
    """
    lookup(PROTOCOLS, protocol, "protocol")
    names = [photo.name for photo in photos]
    if protocol not in ARITHMETIC:
        return lambda found: coco_tables(photos, dict(zip(names, found, strict=True)))
    chosen = WiderTruth.of_photos(photos) if truth is None else truth.only(names)
    score = partial(wider_tables, chosen, arithmetic=ARITHMETIC[protocol])
    return lambda found: score(dict(zip(names, found, strict=True)))
