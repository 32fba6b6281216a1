"""An anonymizer that checks what it draws before anybody sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deepanon.detections import Detections
from deepanon.embedders import Recogniser
from deepanon.geometry import Array
from deepanon.pipeline import FaceAnonymizer
from deepanon.verifying.again import draw_verified


class VerifiedAnonymizer(FaceAnonymizer):
    """A `FaceAnonymizer` that draws again what came out too like the original, and blacks out what stays so.

    Args:
        arguments: of `FaceAnonymizer`.
        recogniser: compares old and new faces; None checks pixels and shapes alone.
        threshold: similarity above which a new face is too like the old one; None takes the one measured for the
            recogniser's network.
        options: of `FaceAnonymizer`.

    Attributes:
        again: faces that were drawn more than once.
        black: faces that are black, because each drawing was too like the original.
    """

    def __init__(
        self, *arguments: Any, recogniser: Recogniser | None = None, threshold: float | None = None, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.recogniser, self.threshold, self.again, self.black = recogniser, threshold, 0, 0

    def replace(self, image: Array, detections: Detections, seeds: Sequence[int], faces: Sequence[int]) -> Array:
        """See `draw_verified`."""
        drawn = draw_verified(image, detections, self.anonymizer, seeds, self.recogniser, self.threshold, faces=faces)
        self.again += int((drawn.tries > 1).sum())
        self.black += int(drawn.black.sum())
        return drawn.pixels

    @property
    def description(self) -> str:
        """How it checks, in one line: with equal lines, equal seeds give equal pictures."""
        who = "no recogniser" if self.recogniser is None else self.recogniser.description
        return f"{who}, threshold {self.threshold}"

    @property
    def summary(self) -> str:
        """What the checks came to, in words."""
        return f"checked as they were drawn: {self.again} faces drawn again, {self.black} black after all"
