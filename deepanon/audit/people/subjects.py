"""The people of a set of photos: which face in each photo is meant, and the sample that is cut around it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from deepanon.anonymizers import Anonymizer, ByLabel
from deepanon.audit.people.drawn import draw_people
from deepanon.audit.people.samples import SIZE, Samples, cut_picture, placed, sample_region
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import FIVE, Detections
from deepanon.detectors import Detector
from deepanon.errors import DataError, ImageError, SchemaError
from deepanon.evaluation.observing import subject
from deepanon.geometry import Array
from deepanon.pipeline import replace_faces
from deepanon.seeds import Seeds

Looking = Callable[[Iterable[AnnotatedPhoto]], Iterable[AnnotatedPhoto]]
Progress = Callable[[Iterable["Subject"]], Iterable["Subject"]]


@dataclass(frozen=True, eq=False)
class Subject:
    """One photo and the person on it.

    Attributes:
        name: of the photo.
        read: gives its pixels, (H, W, 3) uint8 RGB.
        faces: all that were found in it, and will be replaced.
        face: the one that is meant, nearest to the middle.
        person: number of the person.
        number: of the photo.
    """

    name: str
    read: Callable[[], Array]
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
        unplaced: names of photos whose face has no keypoints; in use it is replaced, but no attacker can align it.
        unreadable: names of photos that cannot be read.
        real: whether these are photographs of people.
        finder: what found the faces, in one line.
    """

    usable: list[Subject]
    missed: list[str]
    unplaced: list[str]
    real: bool
    finder: str
    unreadable: list[str] = field(default_factory=list)

    @property
    def missed_share(self) -> float:
        """Of all photos that could be read, those in which nothing was found."""
        return len(self.missed) / max(1, len(self.usable) + len(self.missed) + len(self.unplaced))


def find_subjects(photos: Sequence[AnnotatedPhoto], detector: Detector, progress: Looking = iter) -> Subjects:
    """Look at every photo once.

    Args:
        photos: with `person`.
        detector: finds the faces, with five keypoints.
        progress: wraps the loop.

    Raises:
        DataError: two photos are the same file, so that one could be known and the other sought.
        SchemaError: another keypoint schema.
    """
    number = {name: row for row, name in enumerate(sorted({photo.person for photo in photos}))}
    found = Subjects([], [], [], True, detector.description)
    seen: dict[bytes, str] = {}
    for photo in progress(photos):
        try:
            _refuse_twice(photo, seen)
            image = photo.read()
        except (ImageError, OSError):
            found.unreadable.append(photo.name)
            continue
        faces = detector(image, photo.name)
        if faces.schema != FIVE:
            raise SchemaError(f"an audit needs keypoints of schema {FIVE.name!r}, the finder has {faces.schema.name!r}")
        face = subject(faces, image)
        if not len(face):
            found.missed.append(photo.name)
        elif not np.isfinite(face.points).all():
            found.unplaced.append(photo.name)
        else:
            one = Subject(photo.name, photo.read, faces, face, number[photo.person], len(found.usable))
            found.usable.append(one)
    return found


def drawn_subjects(people: int, photos: int, seed: int) -> Subjects:
    """Drawn persons, for audits without any data; the arguments are those of `draw_people`."""
    made = []
    for row, photo in enumerate(draw_people(people, photos, seed)):
        pixels = photo.pixels
        name = f"drawn/{photo.person:04d}-{row:05d}"
        made.append(Subject(name, _constant(pixels), photo.faces, photo.faces, photo.person, row))
    return Subjects(made, [], [], False, "drawn with their faces")


def _constant(pixels: Array) -> Callable[[], Array]:
    return lambda: pixels


def _refuse_twice(photo: AnnotatedPhoto, seen: dict[bytes, str]) -> None:
    digest = hashlib.sha256(photo.contents()).digest()
    if digest in seen:
        raise DataError(
            f"{photo.name} and {seen[digest]} are the same file: whoever finds one in the gallery knows the other; "
            "remove one of them"
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
        image = one.read()
        region = sample_region(one.face, image.shape[1], image.shape[0])
        if method is not None:
            image = replace_faces(image, one.faces, method, seeds(one.name, len(one.faces)))
        scale = size / float(region[2] - region[0])
        made.append((cut_picture(image, region, size), *placed(one.face, region, size), np.float32(scale)))
    pictures, boxes, points, scales = (np.stack(part) for part in zip(*made, strict=True))
    people, numbers = (np.array([getattr(s, key) for s in subjects], dtype=np.int64) for key in ("person", "number"))
    return Samples(pictures, boxes, points, people, numbers, scales)
