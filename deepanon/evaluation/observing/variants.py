"""What is done to the pictures: every method, once a seed if it draws by chance, and the rows to compare with."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from deepanon.anonymizers import Anonymizer
from deepanon.crops import blank
from deepanon.detections import Detections
from deepanon.errors import OptionError
from deepanon.geometry import Array
from deepanon.images import WRITERS
from deepanon.pipeline import replace_faces
from deepanon.seeds import Seeds

NONE, JPEG, CONTEXT = "none", "jpeg", "context"
REFERENCES = {
    NONE: "untouched pictures: the ceiling",
    JPEG: f"untouched pictures, as JPEG (quality {WRITERS['.jpg']['quality']}, no chroma subsampling) and read again",
    CONTEXT: "every face box grey: what the surroundings alone give away",
}


class Change(Protocol):
    """Makes a new picture from one and the faces in it."""

    def __call__(self, image: Array, detections: Detections, seeds: Sequence[int]) -> Array:
        """(H, W, 3) uint8, faces, one seed a face -> a new (H, W, 3) uint8."""
        ...


@dataclass(frozen=True)
class Variant:
    """One method with one seed.

    Attributes:
        method: its name in tables.
        seed: of its randomness; methods without any have 0.
        description: all that its result depends on but the seed: file, weights, options.
        sees_face: whether it is given the face.
        random: whether it depends on the seed.
        change: does it.
    """

    method: str
    seed: int
    description: str
    sees_face: bool
    random: bool
    change: Change

    @property
    def name(self) -> str:
        """Of its folder, and of its pictures for detectors that read a file: "gan-0", "blackout"."""
        return f"{self.method}-{self.seed}" if self.random else self.method

    @property
    def key(self) -> str:
        """For the store."""
        return f"{self.name}: {self.description}"

    def __call__(self, image: Array, detections: Detections, name: str) -> Array:
        """A new picture; `name` of the photo, from which its seeds come."""
        return self.change(image, detections, Seeds.from_seed(self.seed)(name, len(detections)))


def build_variants(
    methods: Mapping[str, Anonymizer], seeds: Sequence[int] = (0, 1, 2), references: Sequence[str] = (NONE, JPEG)
) -> list[Variant]:
    """Every variant, references first, untouched pictures always among them.

    Args:
        methods: by name.
        seeds: of methods that draw by chance.
        references: of `REFERENCES`.

    Raises:
        OptionError: unknown reference, or no seed or the same twice.
    """
    if not seeds or len(set(seeds)) < len(seeds) or not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise OptionError(f"seeds must be different whole numbers from 0, at least one, got {list(seeds)}")
    unknown = set(references) - REFERENCES.keys()
    if unknown:
        raise OptionError(f"unknown reference {min(unknown)!r}; choose of: {', '.join(REFERENCES)}")
    changes: dict[str, Change] = {NONE: _copied, JPEG: _encoded, CONTEXT: _blanked}
    chosen = [name for name in REFERENCES if name == NONE or name in references]
    made = [Variant(name, 0, REFERENCES[name], name != CONTEXT, False, changes[name]) for name in chosen]
    for name, method in methods.items():
        for seed in seeds if method.random else (0,):
            made.append(Variant(name, seed, method.description, method.sees_face, method.random, _Replaced(method)))
    return made


def described(methods: Mapping[str, Anonymizer], seeds: Sequence[int]) -> dict[str, dict[str, Any]]:
    """What a report says of every row, as plain values; see `Results.methods`."""
    rows: dict[str, dict[str, Any]] = {name: {"description": text} for name, text in REFERENCES.items()}
    for name, method in methods.items():
        rows[name] = {"description": method.description, "sees_face": method.sees_face, "random": method.random}
        rows[name] |= {"seeds": list(seeds)} if method.random else {}
    return rows


@dataclass(frozen=True)
class _Replaced:
    """The pipeline with one method."""

    anonymizer: Anonymizer

    def __call__(self, image: Array, detections: Detections, seeds: Sequence[int]) -> Array:
        return replace_faces(image, detections, self.anonymizer, seeds)


def _copied(image: Array, detections: Detections, seeds: Sequence[int]) -> Array:
    return image.copy()


def _encoded(image: Array, detections: Detections, seeds: Sequence[int]) -> Array:
    """As `write_image` and `read_image` would, in memory."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, **WRITERS[".jpg"])
    with Image.open(stream) as again:
        return np.array(again.convert("RGB"))


def _blanked(image: Array, detections: Detections, seeds: Sequence[int]) -> Array:
    return blank(image, detections.boxes)
