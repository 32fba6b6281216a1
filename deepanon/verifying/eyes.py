"""Who looks at original and output: a detector at both, a comparison of pixels, and a recogniser if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.embedders import Recogniser
from deepanon.errors import OptionError
from deepanon.geometry import Array
from deepanon.verifying.changes import Change, Comparison
from deepanon.verifying.findings import EXPOSED, RESEMBLES, SIMILAR
from deepanon.verifying.likeness import similarities, strangers

SAME = 0.3  # IoU from which two detectors, or one on two pictures, have found the same face


@dataclass(frozen=True, eq=False)
class Face:
    """One face and what became of it.

    Attributes:
        box: (4,) pixels.
        score: of the detector.
        change: of its pixels.
        similarity: of new and old face to the recogniser; NaN where it was not asked or could not look.
        new: found in the output only, where the original shows none to this detector.
    """

    box: Array
    score: float
    change: Change
    similarity: float = np.nan
    new: bool = False


@dataclass(frozen=True)
class Limits:
    """What is held against whom.

    Args:
        covered: share of a face that must show something else.
        follows: correlation with the original that no new face may have.
        survives: share of a face found in the output alone that may be as in the original: the rest of its box may be
            neck or hair of a face that was replaced beside it.
        similarity: that a recogniser may find, at most; None where it is not asked.

    Raises:
        OptionError: a share or a similarity that cannot be.
    """

    covered: float = 0.9
    follows: float = 0.9
    survives: float = 0.75
    similarity: float | None = None

    def __post_init__(self) -> None:
        for name in ("covered", "follows", "survives"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.similarity is not None and not -1 <= self.similarity <= 1:
            raise OptionError(f"similarity must lie in [-1, 1], got {self.similarity}")

    def __call__(self, face: Face) -> tuple[str, str] | None:
        """Kind and words of what is wrong with a face, the worst of it; None if nothing is."""
        change, found = face.change, f"found with score {face.score:.2f}{' in the output alone' if face.new else ''}"
        if change.survives > (self.survives if face.new else 1 - self.covered + 1e-9):
            return EXPOSED, f"{int(100 * change.covered)} % covered; {found}"
        if change.follows > self.follows:
            return RESEMBLES, f"its shapes follow the original's, correlation {change.follows:.2f}; {found}"
        if self.similarity is not None and face.similarity > self.similarity:
            return SIMILAR, f"similarity {face.similarity:.2f}, limit {self.similarity:.2f}; {found}"
        return None


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen on one pair of pictures.

    Attributes:
        faces: of the original, and those of the output where there was none.
        foreign: the two are not the same picture; nothing else can be said.
        strangers: (P,) similarities between faces of this original, for a threshold.
    """

    faces: Sequence[Face]
    foreign: bool
    strangers: Array

    @property
    def compared(self) -> int:
        """Faces that the recogniser could look at, or that show nothing any more."""
        return sum(not face.new and (face.change.flat or face.similarity == face.similarity) for face in self.faces)


class Eyes:
    """Look at pairs of pictures.

    Args:
        detector: finds faces in both; better another than the one that found what was replaced.
        recogniser: compares old and new faces; None leaves identity unchecked.
    """

    def __init__(self, detector: Detector, recogniser: Recogniser | None = None) -> None:
        self.detector, self.recogniser = detector, recogniser

    def __call__(self, original: Array, output: Array, name: str = "") -> Look:
        """Look at one pair.

        Args:
            original: (H, W, 3) uint8 RGB.
            output: likewise.
            name: what the picture is called, for messages.

        Raises:
            OptionError: they differ in size.
            DeepanonError: detector or recogniser cannot do their work.
        """
        faces, found = self.detector(original, name), self.detector(output, name)
        comparison = Comparison(original, output, np.concatenate([faces.boxes, found.boxes]))
        looked = compare(comparison, faces, found, self.recogniser)
        new = found[~_same(found.boxes, faces.boxes)]
        looked += [Face(f.boxes[0], float(f.scores[0]), comparison(f.boxes[0]), new=True) for f in new]
        among = np.zeros(0) if self.recogniser is None else strangers(self.recogniser, original, faces)
        return Look(looked, comparison.foreign, among)


def compare(comparison: Comparison, faces: Detections, found: Detections, recogniser: Recogniser | None) -> list[Face]:
    """What became of `faces` of the original; `found` are those of the output. Without recogniser, no similarity."""
    changes = [comparison(box) for box in faces.boxes]
    alike = np.full(len(faces), np.nan)
    if recogniser is not None and len(faces):
        alike = similarities(recogniser, comparison.original, comparison.output, faces, found)
        alike[[change.flat for change in changes]] = np.nan  # one colour is nobody's face
    rows = zip(faces.boxes, faces.scores.tolist(), changes, alike.tolist(), strict=True)
    return [Face(*row) for row in rows]


def _same(boxes: Array, others: Array) -> Array:
    """(N,) bool: one of `others` is the same face."""
    if not len(others):
        return np.zeros(len(boxes), dtype=bool)
    return np.asarray((geometry.iou(boxes, others) >= SAME).any(axis=1))
