"""What decides how a set of crops looks, and the judgement of one photo by it."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deepanon import __version__
from deepanon.crops import cut
from deepanon.data.building.journal import Examined
from deepanon.data.building.provenance import describe_detector, package_versions
from deepanon.data.building.selection import Rules, Selection, select
from deepanon.data.packed_writer import QUALITY, StoredCrop, encode_jpeg
from deepanon.detections import FIVE, Detections, KeypointSchema
from deepanon.detectors import Detector, Given, build_detector
from deepanon.errors import DeepanonError, OptionError
from deepanon.files import sha256_of
from deepanon.geometry import Array
from deepanon.images import read_image, to_uint8

PHOTO_DIGITS = 16  # of a photo's SHA-256, kept with each crop


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a set looks like, apart from the photos.

    Attributes:
        detector: name of the detector, as in `deepanon.detectors`.
        options: its arguments as pairs (a tuple, so that recipes can be compared and kept).
        rules: the thresholds.
        val: share of the identities that is held out, in [0, 1).
        identities: the first folder of a photo's name says who is in it; else every photo is its own identity.
        source: what array `source` says.

    Raises:
        OptionError: `val` is out of range.
    """

    detector: str = "mtcnn"
    options: tuple[tuple[str, Any], ...] = ()
    rules: Rules = field(default_factory=Rules)
    val: float = 0.04
    identities: bool = False
    source: str = "photos"

    def __post_init__(self) -> None:
        if not 0 <= self.val < 1:
            raise OptionError(f"val must lie in [0, 1), got {self.val}")

    def describe(self) -> dict[str, Any]:
        """For `meta.json`, and to tell whether a folder was made with other settings."""
        others = {"val": self.val, "identities": self.identities, "source": self.source, "jpeg_quality": QUALITY}
        return {
            "deepanon": __version__,
            "detector": describe_detector(self.detector, dict(self.options)),
            "settings": asdict(self.rules) | others,
            "packages": package_versions(),
        }


def split_of(identity: str, val: float) -> str:
    """ "val" for about a share `val` of all identities, "train" for the others; each is decided by its name alone."""
    draw = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") / 2**64
    return "val" if draw < val else "train"


@functools.lru_cache(maxsize=1)
def _detector(name: str, options: tuple[tuple[str, Any], ...]) -> Detector:
    """Built once a process."""
    return build_detector(name, **dict(options))


def keypoint_schema(recipe: Recipe) -> KeypointSchema:
    """The schema of the keypoints that the recipe's detector places; builds it, so that wrong options show early.

    Raises:
        OptionError: the detector places no keypoints.
        DeepanonError: it cannot be built.
    """
    if recipe.detector == "cascade":
        raise OptionError("detector 'cascade' places no keypoints, and crops need them; use mtcnn or yunet")
    detector = _detector(recipe.detector, recipe.options)
    if not isinstance(detector, Given):
        return FIVE
    schemas = {faces.schema.name: faces.schema for faces in detector.faces.values()} or {FIVE.name: FIVE}
    return next(iter(schemas.values()))


def stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; zeros if there is no such file."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns


def examine_photo(job: tuple[str, Path, Recipe]) -> Examined:
    """Find, judge and cut the faces of one photo (name, file, recipe); what goes wrong with it is in the result."""
    name, path, recipe = job
    detector, when = _detector(recipe.detector, recipe.options), stamp(path)
    try:
        pixels = read_image(path).pixels
        digest = sha256_of(path)
        faces = detector(pixels, name)
        chosen = select(faces, pixels.shape[1], pixels.shape[0], recipe.rules)
        crops = _cut(pixels, faces, chosen, recipe, digest[:PHOTO_DIGITS])
        return Examined(name, when, digest, len(faces), crops, dict(chosen.dropped))
    except DeepanonError as error:
        return Examined(name, when, error=str(error))
    except Exception as error:  # whatever a decoder or network raises: this photo failed and the others go on
        return Examined(name, when, error=f"unexpected {type(error).__name__}: {error}")


def _cut(pixels: Array, faces: Detections, chosen: Selection, recipe: Recipe, photo: str) -> list[StoredCrop]:
    stored = []
    for row, others in zip(chosen.rows, chosen.others, strict=True):
        crop = cut(pixels, faces, recipe.rules.resolution, [row])  # not blanked: the face is what is learnt
        stored.append(
            StoredCrop(
                jpeg=encode_jpeg(to_uint8(crop.context)[0]),
                box=crop.boxes[0].numpy() / recipe.rules.resolution,
                keypoints=crop.keypoints[0].numpy(),
                source=recipe.source,
                identity="",  # decided when the set is packed
                score=float(faces.scores[row]),
                crop_side=int(crop.regions[0, 2] - crop.regions[0, 0]),
                photo=photo,
                others=others,
            )
        )
    return stored
