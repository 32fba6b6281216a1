"""The people of a set of photos: which face in each photo is meant, and the sample that is cut around it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deepanon.anonymizers import Anonymizer, ByLabel
from deepanon.audit.samples import SIZE, Samples, cut_picture, placed, sample_region
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import FIVE, Detections
from deepanon.detectors import Detector
from deepanon.errors import DataError, SchemaError
from deepanon.evaluation.observing import subject
from deepanon.pipeline import replace_faces
from deepanon.seeds import Seeds

Progress = Callable[[Iterable["Subject"]], Iterable["Subject"]]
Looking = Callable[[Iterable[AnnotatedPhoto]], Iterable[AnnotatedPhoto]]


@dataclass(frozen=True, eq=False)
class Subject:
    """One photo and the person on it.

    Attributes:
        photo: where its pixels come from.
        faces: all that were found in it, and will be replaced.
        face: the one that is meant, nearest to the middle.
        person: number of the person.
        number: of the photo.
    """

    photo: AnnotatedPhoto
    faces: Detections
    face: Detections
    person: int
    number: int


@dataclass(frozen=True, eq=False)
class Subjects:
    """All photos that can be used, and those that cannot.

    Attributes:
        usable: in the order of the photos.
        missed: names of photos in which no face was found: in use they stay as they are, and whoever is on them is
            recognised. They are counted, not attacked.
        unplaced: names of photos whose face has no keypoints.
    """

    usable: list[Subject]
    missed: list[str]
    unplaced: list[str]

    def __iter__(self) -> Iterator[Subject]:
        return iter(self.usable)

    def __len__(self) -> int:
        return len(self.usable)


def find_subjects(
    photos: Sequence[AnnotatedPhoto],
    detector: Detector,
    progress: Looking = iter,
) -> Subjects:
    """Look at every photo once.

    Args:
        photos: with `person`.
        detector: finds the faces; with five keypoints.
        progress: wraps the loop.

    Raises:
        DataError: two photos are the same file, so that one could be known and the other sought.
        SchemaError: another keypoint schema.
    """
    number = {name: row for row, name in enumerate(sorted({photo.person for photo in photos}))}
    usable: list[Subject] = []
    missed, unplaced = [], []
    seen: dict[bytes, str] = {}
    for photo in progress(photos):
        _refuse_twice(photo, seen)
        image = photo.read()
        faces = detector(image, photo.name)
        if faces.schema != FIVE:
            raise SchemaError(
                f"an audit needs keypoints of schema {FIVE.name!r}, {detector.name} gives {faces.schema.name!r}"
            )
        face = subject(faces, image)
        if not len(face):
            missed.append(photo.name)
        elif not np.isfinite(face.points).all():
            unplaced.append(photo.name)
        else:
            usable.append(Subject(photo, faces, face, number[photo.person], len(usable)))
    return Subjects(usable, missed, unplaced)


def _refuse_twice(photo: AnnotatedPhoto, seen: dict[bytes, str]) -> None:
    digest = hashlib.sha256(photo.contents()).digest()
    if digest in seen:
        raise DataError(
            f"{photo.name} and {seen[digest]} are the same file; whoever finds one in the gallery knows the other"
        )
    seen[digest] = photo.name


def cut_samples(
    subjects: Sequence[Subject],
    method: Anonymizer | ByLabel | None,
    seeds: Seeds | None = None,
    size: int = SIZE,
    progress: Progress = iter,
) -> Samples:
    """One sample a subject, from its photo as it is or with all faces replaced.

    Args:
        subjects: who.
        method: None leaves the photos as they are.
        seeds: of the method; by default of the operating system, as in use.
        size: side of the samples in pixels.
        progress: wraps the loop.
    """
    seeds, made = seeds or Seeds(), []
    for one in progress(subjects):
        image = one.photo.read()
        region = sample_region(one.face, image.shape[1], image.shape[0])
        if method is not None:
            image = replace_faces(image, one.faces, method, seeds(one.photo.name, len(one.faces)))
        made.append((cut_picture(image, region, size), *placed(one.face, region, size)))
    pictures, boxes, points = (np.stack(part) for part in zip(*made, strict=True))
    people, numbers = (
        np.array([getattr(one, key) for one in subjects], dtype=np.int64) for key in ("person", "number")
    )
    return Samples(pictures, boxes, points, people, numbers)
