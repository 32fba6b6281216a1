"""Single faces worth showing, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepanon.data.wider import AnnotatedPhoto
from deepanon.evaluation.observing import Observations, Variant
from deepanon.evaluation.report import Pictures, face_pair
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Example:
    """One face.

    Attributes:
        photo: that it is in.
        variant: what was done to it.
        box: (4,) in pixels.
        kind: "grid" or "worst".
        reason: why it is shown.
    """

    photo: AnnotatedPhoto
    variant: Variant
    box: Array
    kind: str
    reason: str


def add_examples(pictures: Pictures, data: str, observations: Observations, examples: Sequence[Example]) -> None:
    """Make the pictures of `examples` again, from their seeds, and store each face before and after.

    Args:
        pictures: the folder; all of them are marked as photographs.
        data: name of the set.
        observations: that the examples were chosen from.
        examples: in the order of the report.
    """
    for example in examples:
        record = observations.record(example.photo, example.variant)
        pictures.add(
            face_pair(record.original, record.anonymized, example.box),
            set=data,
            method=example.variant.method,
            photo=example.photo.name,
            kind=example.kind,
            reason=example.reason,
        )
