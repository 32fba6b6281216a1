"""Drawn people: several photos each of persons who do not exist, so that an audit can be tried and tested at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepanon.checks import check_count
from deepanon.data.looks import CLOTH, HAIR, IRIS, SKIN, Build, Look, colour
from deepanon.data.portrait import draw_portrait
from deepanon.data.synthetic import draw_backdrop, finish
from deepanon.detections import Detections
from deepanon.geometry import Array

SMALLEST = 32  # px; in less there is nobody to be recognised
ROOM = (0.86, 1.0)  # side of the patch with the face to that of the picture
JITTER = 0.025  # of the box's sides, by which a detector's edges are off: the shape of a box is no passport
SLIP = 0.012  # of the box's sides, by which its keypoints are
CAST = 0.05  # by which each colour channel of a photo is off


@dataclass(frozen=True, eq=False)
class DrawnPhoto:
    """A photo of one drawn person.

    Attributes:
        pixels: (S, S, 3) uint8 RGB.
        faces: the one face in it, schema FIVE.
        person: whose; photos of one number show the same head.
    """

    pixels: Array
    faces: Detections
    person: int


@dataclass(frozen=True)
class _Person:
    """What stays the same from photo to photo: 30 numbers, each by chance."""

    skin: Array
    hair: Array
    iris: Array
    fringe: float
    length: float
    build: Build

    @classmethod
    def draw(cls, rng: np.random.Generator) -> _Person:
        around, between = rng.normal, rng.uniform
        build = Build(
            eyes=(0.37 + around(0, 0.035), -0.16 + around(0, 0.05)),
            opening=(1 + around(0, 0.12), 1 + around(0, 0.16)),
            brows=(max(0.17, 0.27 + around(0, 0.04)), between(0.015, 0.065), 1 + around(0, 0.8)),
            nose=(0.34 + around(0, 0.06), between(0.7, 1.4)),
            mouth=(0.28 + around(0, 0.04), 0.76 + around(0, 0.05)),
            lips=between(0.5, 1.6),
            width=0.94 + around(0, 0.045),
            chin=1.3 + around(0, 0.06),
            taper=between(0.02, 0.24),
            volume=between(0.95, 1.15),
            beard=max(0.0, between(-0.8, 0.7)),
            part=between(-0.4, 0.4),
        )
        skin, hair, iris = (_between(palette, rng) for palette in (SKIN, HAIR, IRIS))
        return cls(skin, hair, iris, between(-1.05, -0.65), between(-0.4, 1.5), build)

    def seen(self, rng: np.random.Generator) -> Look:
        """The person in one photo: other light, pose, expression and clothes."""
        return Look(
            self.skin, self.hair, self.iris, np.asarray(colour(CLOTH, 12, rng), dtype=np.float32),
            light=rng.uniform(-1, 1), turn=rng.uniform(-0.22, 0.22), tilt=rng.uniform(-0.12, 0.12),
            smile=rng.uniform(0, 1), fringe=self.fringe, length=self.length, build=self.build,
        )  # fmt: skip


def draw_people(people: int, photos: int, seed: int, size: int = 112) -> list[DrawnPhoto]:
    """Draw several photos each of several people.

    Skin, hair, eyes and the shape of the head are a person's; light, pose, smile, clothes, place and the edges of the
    box are a photo's. The first photos of the first people are the same however many are drawn.

    Args:
        people: how many, from 1.
        photos: of each, from 1.
        seed: the same seed gives the same people in the same photos.
        size: side of a photo in pixels; the face's box takes up about 42 % of the width and 55 % of the height.

    Returns:
        `people` x `photos` photos, person by person; persons are numbered from 0.

    Raises:
        OptionError: a number is too small.
    """
    for name, number in (("people", people), ("photos", photos)):
        check_count(name, number)
    check_count("size", size, least=SMALLEST)
    drawn = []
    for person in range(people):
        who = _Person.draw(np.random.default_rng([seed, person]))
        shots = (np.random.default_rng([seed, person, photo]) for photo in range(1, photos + 1))
        drawn += [_photo(who, person, size, rng) for rng in shots]
    return drawn


def _photo(who: _Person, person: int, size: int, rng: np.random.Generator) -> DrawnPhoto:
    side = int(size * rng.uniform(*ROOM))
    left, top = rng.integers(0, size - side + 1, 2)
    canvas, box, points = draw_portrait(side, who.seen(rng))
    image = draw_backdrop(size, size, rng)
    canvas.over(image[top : top + side, left : left + side])
    image *= np.asarray(rng.uniform(0.85, 1.1) * (1 + rng.normal(0, CAST, 3)), dtype=np.float32)
    origin = np.array([left, top])
    extent = np.tile(box[2:] - box[:2], 2)
    edges = np.clip((box + rng.normal(0, JITTER, 4) * extent) * side + np.tile(origin, 2), 0, size)
    points = (points + rng.normal(0, SLIP, points.shape) * (box[2:] - box[:2])) * side + origin
    faces = Detections(edges[None], np.ones(1), points[None])
    return DrawnPhoto(finish(image, rng), faces, person)


def _between(palette: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> Array:
    """(3,) float32 somewhere between two neighbours of a palette."""
    at = rng.uniform(0, len(palette) - 1)
    low, share = int(at), at - int(at)
    mixed = np.array(palette[low]) * (1 - share) + np.array(palette[low + 1]) * share
    return np.asarray(np.clip(mixed + rng.normal(0, 6, 3), 5, 250), dtype=np.float32)
