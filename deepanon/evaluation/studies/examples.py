"""Single faces worth showing, before and after: some of all sizes, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.evaluation.detection.retention import COVERED
from deepanon.evaluation.observing import Observations, Record, Variant
from deepanon.evaluation.report import Pictures, choose_faces, face_pair, worst_cases
from deepanon.evaluation.utility.matching import IOU
from deepanon.geometry import Array, inside, iou

GRID, WORST = 6, 4  # examples of a method: of all sizes, and of each thing that can go wrong


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
    reason: str = ""


def chosen(photos: Sequence[AnnotatedPhoto], variant: Variant, n: int) -> list[Example]:
    """At most `n` faces from large to small, the same under every variant."""
    rows = choose_faces(np.concatenate([photo.boxes for photo in photos]), n)
    return [Example(photo, variant, box, "grid") for photo, box in _faces(photos, rows)]


def unchanged_faces(photos: Sequence[AnnotatedPhoto], variant: Variant, shares: Array, n: int) -> list[Example]:
    """The `n` largest faces that count and were not changed; `shares` (all faces,) of changed pixels."""
    return lost_faces(photos, variant, shares <= COVERED, "not changed", n)


def lost_faces(photos: Sequence[AnnotatedPhoto], variant: Variant, lost: Array, reason: str, n: int) -> list[Example]:
    """The `n` largest faces that count and are `lost` (all faces,) bool."""
    heights = np.concatenate([photo.boxes[:, 3] - photo.boxes[:, 1] for photo in photos])
    counted = np.concatenate([~photo.ignored for photo in photos])
    rows = worst_cases(np.where(lost & counted, heights, np.nan).tolist(), n)
    return [Example(photo, variant, box, "worst", reason) for photo, box in _faces(photos, rows)]


def best_scores(photos: Sequence[AnnotatedPhoto], found: Sequence[Detections]) -> Array:
    """(all faces,) the best score with which each annotated face was found at IoU 0.5; 0 if it was not."""
    return np.concatenate(
        [
            np.where(iou(photo.boxes, faces.boxes) >= IOU, faces.scores, 0).max(axis=1, initial=0)
            for photo, faces in zip(photos, found, strict=True)
        ]
    )


def add_examples(pictures: Pictures, data: str, observations: Observations, examples: Sequence[Example]) -> None:
    """Make the pictures of `examples` again, from their seeds, and store each face before and after.

    A face annotated wholly outside its picture counts as one that was not changed, but there is nothing of it to show.

    Args:
        pictures: the folder; all of them are marked as photographs.
        data: name of the set.
        observations: that the examples were chosen from.
        examples: in the order of the report.
    """

    @lru_cache(maxsize=GRID + 2 * WORST)  # a crowd is made once for all of its faces that are shown
    def made(name: str, variant: Variant) -> Record:
        """One photo under one variant."""
        return observations.record(photos[name], variant)

    photos = {example.photo.name: example.photo for example in examples}
    for example in examples:
        record = made(example.photo.name, example.variant)
        height, width = record.original.shape[:2]
        if not inside(example.box[None], width, height)[0]:
            continue
        pictures.add(
            face_pair(record.original, record.anonymized, example.box),
            set=data,
            method=example.variant.method,
            photo=f"{example.photo.name} {' '.join(f'{edge:.0f}' for edge in example.box)}",
            kind=example.kind,
            reason=example.reason,
        )


def _faces(photos: Sequence[AnnotatedPhoto], rows: Sequence[int]) -> list[tuple[AnnotatedPhoto, Array]]:
    """Photo and box of faces, counted through all photos."""
    owners = np.repeat(np.arange(len(photos)), [len(photo.boxes) for photo in photos])
    boxes = np.concatenate([photo.boxes for photo in photos])
    return [(photos[owners[row]], boxes[row]) for row in rows]
