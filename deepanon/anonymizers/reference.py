"""Reference faces, laid over one another: those of a folder, or faces of nobody that the bundled generator draws."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from deepanon import geometry
from deepanon.detections import FIVE, KeypointSchema
from deepanon.errors import DataError, OptionError
from deepanon.files import named, walk
from deepanon.geometry import Array
from deepanon.images import WRITERS, decode_image, read_image

SIDE = 128  # px of an aligned face
MARGIN = 0.25  # of the face box, on each side of it
DRAWN = 64  # faces of nobody
MOST = 10_000  # faces, 0.5 GB
FEWEST_POINTS = 2  # that fix rotation, scale and place


@dataclass(frozen=True, eq=False)
class ReferenceFaces:
    """Faces whose keypoints lie on one another.

    Attributes:
        pictures: (M, `SIDE`, `SIDE`, 3) uint8.
        description: where they come from and what they are, in a few words.
    """

    pictures: Array
    description: str

    def __len__(self) -> int:
        return len(self.pictures)


def alignment(box: Array, points: Array, schema: KeypointSchema) -> Array:
    """The matrix that lays a face over the reference faces: rotation, scale and shift.

    Args:
        box: (4,) of the face, in pixels.
        points: (K, 2) in pixels, NaN = unknown.
        schema: what they mean; its template says where they come to lie.

    Returns:
        (2, 3) float64, from pixels of the picture to those of the aligned face. Where fewer than two different points
        are known, the box decides.
    """
    known = np.isfinite(points).all(axis=1)
    if known.sum() >= FEWEST_POINTS:
        matrix = geometry.similarity(points[known], _placed(np.array(schema.template)[known]))
        if np.isfinite(matrix).all() and np.linalg.det(matrix[:, :2]) > 0:
            return matrix
    x0, y0, x1, y1 = box
    middle = (x0 + x1) / 2
    return geometry.similarity(np.array([[middle, y0], [middle, y1]]), _placed(np.array([[0.5, 0], [0.5, 1]])))


def _placed(fractions: Array) -> Array:
    """Fractions of a face box -> pixels of the aligned face."""
    return np.asarray((fractions + MARGIN) * (SIDE / (1 + 2 * MARGIN)))


def aligned(image: Array, matrix: Array) -> Array:
    """(H, W, 3) uint8 -> (`SIDE`, `SIDE`, 3) uint8; beyond the picture its edge goes on."""
    return np.asarray(
        cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


@lru_cache(maxsize=1)
def drawn_faces() -> ReferenceFaces:
    """`DRAWN` portraits of nobody by the bundled generator, always the same; drawn once a process, in seconds."""
    from deepanon.portraits import draw_portraits, face_box, pose
    from deepanon.weights import DEFAULT, model_path

    seeds = range(DRAWN)
    faces = []
    for seed, portrait in zip(seeds, draw_portraits(seeds), strict=True):
        side, points = len(portrait), pose(np.random.default_rng(seed))
        faces.append(aligned(portrait, alignment(face_box(points) * side, points * side, FIVE)))
    return ReferenceFaces(np.stack(faces), f"{DRAWN} faces of nobody, drawn by {named(model_path(DEFAULT))}")


def folder_faces(folder: str | Path) -> ReferenceFaces:
    """The faces of a folder of pictures (of each the one that MTCNN is surest of), or of packed crops (all splits).

    Raises:
        OptionError: there is no such folder, it holds no picture, or too many.
        DataError: no face is found in a picture.
        DeepanonError: a picture or a packed set cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise OptionError(f"faces must be a folder of pictures or of packed crops; {folder} is none")
    faces = []
    for face in _packed(folder) if any(folder.glob("*.npz")) else _pictures(folder):
        faces.append(face)
        if len(faces) > MOST:
            raise OptionError(f"{folder}: more than {MOST} faces; give a smaller folder")
    if not faces:
        raise OptionError(f"{folder}: holds no picture ({', '.join(WRITERS)}) and no packed crops")
    pictures = np.stack(faces)
    digest = hashlib.sha256(pictures.tobytes()).hexdigest()[:16]
    return ReferenceFaces(pictures, f"{len(pictures)} faces of {folder.name} (SHA-256 {digest})")


def _pictures(folder: Path) -> Iterator[Array]:
    from deepanon.detectors import build_detector

    detector = build_detector("mtcnn")
    for path in walk(folder):
        if path.suffix.lower() not in WRITERS:
            continue
        image = read_image(path).pixels
        found = detector(image, path.name)
        if not len(found):
            raise DataError(f"{path}: no face found; take the picture out of the reference faces, or crop it wider")
        best = int(found.scores.argmax())
        yield aligned(image, alignment(found.boxes[best], found.points[best], found.schema))


def _packed(folder: Path) -> Iterator[Array]:
    from deepanon.data import SPLITS
    from deepanon.data.crops import PackedCrops
    from deepanon.data.packed_files import arrays_name

    for split in SPLITS:
        if not (folder / arrays_name(split)).is_file():
            continue
        crops = PackedCrops(folder, split, resolution=1)
        for row, (box, points) in enumerate(zip(crops.boxes, crops.keypoints, strict=True)):
            image = decode_image(crops.shards.read(row), Path(crops.name(row))).pixels
            side = len(image)
            yield aligned(image, alignment(np.asarray(box) * side, np.asarray(points) * side, crops.schema))
