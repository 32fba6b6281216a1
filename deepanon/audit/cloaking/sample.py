"""The photos that cloaks are tried on: one face each, known people, some photos enrolled and the others looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepanon.anonymizers import Anonymizer
from deepanon.detections import Detections
from deepanon.embedders import Recogniser
from deepanon.errors import DataError
from deepanon.geometry import Array
from deepanon.pipeline import replace_faces


@dataclass(frozen=True, eq=False)
class Sample:
    """Portraits with keypoints that were found in the clear photos, and serve for all that is made of them.

    Attributes:
        pictures: (N, S, S, 3) uint8 RGB.
        boxes: (N, 4) float in pixels.
        keypoints: (N, 5, 2) float x y in pixels, schema `five`.
        people: (N,) int64, who is in them.

    Raises:
        DataError: shapes do not go together, a keypoint is unknown, or somebody has fewer than two photos.
    """

    pictures: Array
    boxes: Array
    keypoints: Array
    people: Array

    def __post_init__(self) -> None:
        count = len(self.pictures)
        shapes = (self.pictures.shape[3:], self.boxes.shape, self.keypoints.shape, self.people.shape)
        if self.pictures.dtype != np.uint8 or shapes != ((3,), (count, 4), (count, 5, 2), (count,)):
            raise DataError(
                "a sample is (N, S, S, 3) uint8 pictures, (N, 4) boxes, (N, 5, 2) keypoints and (N,) people; got "
                f"{self.pictures.dtype} {self.pictures.shape}, {self.boxes.shape}, {self.keypoints.shape}, "
                f"{self.people.shape}"
            )
        if not np.isfinite(self.keypoints).all():
            raise DataError("every face of a sample needs its five keypoints; leave the photos without them out")
        if count == 0 or np.unique(self.people, return_counts=True)[1].min() < 2:
            raise DataError("everybody in a sample needs two photos at least, one to enrol and one to look up")

    def __len__(self) -> int:
        return len(self.pictures)

    def only(self, keep: Array) -> Sample:
        """The photos for which the (N,) bool `keep` holds."""
        return Sample(self.pictures[keep], self.boxes[keep], self.keypoints[keep], self.people[keep])

    def showing(self, pictures: Array) -> Sample:
        """The same faces in other pixels."""
        return replace(self, pictures=pictures)

    @property
    def enrolled(self) -> Array:
        """(N,) bool: the first half of everybody's photos, rounded down."""
        order = np.array([(self.people[:row] == who).sum() for row, who in enumerate(self.people)])
        count = np.array([(self.people == who).sum() for who in self.people])
        return np.asarray(order < count // 2)

    def face(self, row: int) -> Detections:
        """The face of one photo."""
        return Detections(self.boxes[row : row + 1], np.ones(1), self.keypoints[row : row + 1])

    def replaced(
        self, method: Anonymizer, seeds: Sequence[int], each: Callable[[range], Sequence[int]] | None = None
    ) -> Sample:
        """All faces replaced by a method; `each` may wrap the rows, to say how far it is."""
        rows = range(len(self))
        drawn = [
            replace_faces(self.pictures[row], self.face(row), method, [seeds[row]])
            for row in (rows if each is None else each(rows))
        ]
        return self.showing(np.stack(drawn))

    def vectors(self, recogniser: Recogniser) -> Array:
        """(N, D) float64 of unit length.

        Raises:
            DataError: a face cannot be cut, which would let it pass for unrecognised.
        """
        found = [recogniser(self.pictures[row], self.face(row), f"photo {row}")[0] for row in range(len(self))]
        vectors = np.stack(found).astype(np.float64)
        lost = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if lost.size:
            raise DataError(f"recogniser {recogniser.name!r} cannot cut the face of photo {lost[0]}: leave it out")
        return vectors


def by_people(sample: Sample, share: float, seed: int) -> tuple[Sample, Sample]:
    """Two samples that have nobody in common: (`share` of the people, drawn by chance; the rest)."""
    people = np.unique(sample.people)
    count = round(share * len(people))
    if not 2 <= count <= len(people) - 2:
        raise DataError(f"{len(people)} people cannot be parted into two groups of two or more (share {share:g})")
    first = np.isin(sample.people, np.random.default_rng(seed).permutation(people)[:count])
    return sample.only(first), sample.only(~first)
