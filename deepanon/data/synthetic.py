"""Drawn pictures with known faces: single faces, scenes, and a packed set of crops; they need no files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from deepanon import __version__
from deepanon.data.looks import Look
from deepanon.data.packed_writer import StoredCrop, encode_jpeg, write_meta, write_split
from deepanon.data.portrait import BOX, REACH, draw_portrait
from deepanon.detections import FIVE, Detections
from deepanon.errors import OptionError
from deepanon.geometry import Array

SMALLEST = 8  # px; a smaller patch holds no face


def draw_backdrop(width: int, height: int, rng: np.random.Generator) -> Array:
    """(H, W, 3) float32: soft clouds between two muted colours."""
    coarse = rng.normal(size=(6, 8, 1)).astype(np.float32)
    cloud = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    low, high = rng.uniform((50, 120), (120, 210))[:, None] + rng.normal(0, 14, (2, 3))
    return np.asarray(low + (high - low) / (1 + np.exp(-cloud)), dtype=np.float32)


def finish(image: Array, rng: np.random.Generator) -> Array:
    """Grain and rounding: float -> uint8."""
    return np.clip(np.rint(image + rng.normal(0, 2.0, image.shape)), 0, 255).astype(np.uint8)


def draw_face(size: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Draw one face with hair and shoulders on a plain background.

    Args:
        size: side of the square picture in pixels, at least 8.
        rng: where skin, hair, light, pose and expression come from.

    Returns:
        image (size, size, 3) uint8 RGB; box (4,) float32 and keypoints (5, 2) float32 (schema FIVE) in pixels. The box
        takes up about 45 % of the width and 59 % of the height.

    Raises:
        OptionError: `size` is too small to hold a face.
    """
    if size < SMALLEST:
        raise OptionError(f"size must be at least {SMALLEST} pixels, got {size}")
    canvas, box, keypoints = draw_portrait(size, Look.draw(rng))
    image = draw_backdrop(size, size, rng)
    canvas.over(image)
    return finish(image, rng), (box * size).astype(np.float32), (keypoints * size).astype(np.float32)


def draw_scene(width: int, height: int, faces: int, seed: int, face: float | None = None) -> tuple[Array, Detections]:
    """Draw faces on a textured background, each in its own cell of a grid, so that boxes never overlap.

    Args:
        width: of the picture in pixels.
        height: of the picture in pixels.
        faces: how many; 0 gives the background alone.
        seed: the same seed gives the same picture.
        face: height of every face box in pixels; by default 60 to 100 % of what the cell holds.

    Returns:
        image (H, W, 3) uint8 RGB and its `Detections` (schema FIVE, scores 1).

    Raises:
        OptionError: so many or so large faces do not fit.
    """
    rng = np.random.default_rng(seed)
    image, found = draw_backdrop(width, height, rng), []
    columns = max(1, round(np.sqrt(faces * width / height)))
    rows = -(-faces // columns)
    for cell in rng.permutation(columns * rows)[:faces]:
        found.append(_add_face(image, divmod(int(cell), columns), (rows, columns), face, rng))
    return finish(image, rng), Detections.merge(found)


def _add_face(
    image: Array, cell: tuple[int, int], grid: tuple[int, int], face: float | None, rng: np.random.Generator
) -> Detections:
    """Draw into one cell of the grid, in place."""
    room_y, room_x = (extent / n for extent, n in zip(image.shape[:2], grid, strict=True))
    room = min(room_x, room_y)
    size = int(room * rng.uniform(0.6, 1.0)) if face is None else round(face * 2 * REACH / (BOX[3] - BOX[1]))
    if not SMALLEST <= size <= room:
        raise OptionError(
            f"{grid[0] * grid[1]} faces in patches of {size} px do not fit {image.shape[1]}x{image.shape[0]}"
        )
    top = int(cell[0] * room_y + rng.uniform(0, room_y - size))
    left = int(cell[1] * room_x + rng.uniform(0, room_x - size))
    canvas, box, keypoints = draw_portrait(size, Look.draw(rng))
    canvas.over(image[top : top + size, left : left + size])
    origin = np.array([left, top], dtype=np.float32)
    return Detections(box[None] * size + np.tile(origin, 2), np.ones(1), keypoints[None] * size + origin)


def write_packed_crops(root: str | Path, split: str, n: int, seed: int, resolution: int = 64) -> None:
    """Write one split of drawn crops in the layout that `deepanon.data.crops.PackedCrops` reads.

    Args:
        root: folder; made if it is missing. Files of the same names are replaced.
        split: "train" or "val".
        n: number of crops, at least 1.
        seed: the same seed gives the same crops.
        resolution: their side in pixels.

    Raises:
        OptionError: `n` or `resolution` is too small.
    """
    if n < 1:
        raise OptionError(f"n must be at least 1, got {n}")
    rng = np.random.default_rng(seed)
    write_split(root, split, (_drawn_crop(resolution, rng, f"drawn/{split}-{i:06d}") for i in range(n)))
    write_meta(root, FIVE, resolution, {"deepanon": __version__, "drawn": "deepanon.data.synthetic"})


def _drawn_crop(resolution: int, rng: np.random.Generator, identity: str) -> StoredCrop:
    image, box, keypoints = draw_face(resolution, rng)
    jpeg = encode_jpeg(image)
    return StoredCrop(jpeg, box / resolution, keypoints / resolution, "drawn", identity, 1.0, crop_side=resolution)
