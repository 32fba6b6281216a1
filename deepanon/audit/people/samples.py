"""Biometric samples: square pictures with one face each, of known people, all that attackers work on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.errors import DataError
from deepanon.geometry import Array

SIZE = 160  # px of a sample's side: a face of 250 px photos keeps its resolution


@dataclass(frozen=True, eq=False)
class Samples:
    """One face a sample, upright as in its photo (never turned), in the middle of its surroundings.

    Boxes and keypoints are those of the untouched photo: every attacker is told where the face was (oracle alignment),
    so that a face that no detector finds any more is no protection.

    Attributes:
        pictures: (N, S, S, 3) uint8 RGB.
        boxes: (N, 4) float32 the face's box in pixels of the sample; whole numbers of the photo's pixels, as replaced.
        keypoints: (N, 5, 2) float32 in pixels of the sample.
        people: (N,) int64, who it is; numbers mean something within one audit only.
        photos: (N,) int64, which photo it is from; samples of one photo have one number, whatever was done to it.
        scales: (N,) float32, pixels of the sample per pixel of the photo, for who knows a method's strength in pixels
            of the photo. None where nobody noted them.

    Raises:
        DataError: arrays that do not fit together, or values that are not finite.
    """

    pictures: Array
    boxes: Array
    keypoints: Array
    people: Array
    photos: Array
    scales: Array | None = None

    def __post_init__(self) -> None:
        n = len(self.pictures)
        if self.pictures.ndim != 4 or self.pictures.dtype != np.uint8 or self.pictures.shape[1:3] != (self.size,) * 2:
            raise DataError(f"samples are (N, S, S, 3) uint8, got {self.pictures.dtype} {self.pictures.shape}")
        shapes = {"boxes": (n, 4), "keypoints": (n, 5, 2), "people": (n,), "photos": (n,)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise DataError(f"{name} of {n} samples must be finite and of shape {shape}, got {array.shape}")
        if self.scales is not None and not (self.scales.shape == (n,) and (self.scales > 0).all()):
            raise DataError(f"scales of {n} samples must be above 0 and of shape {(n,)}, got {self.scales.shape}")

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, rows: Array | slice) -> Samples:
        """Some of the samples: an index array, a bool array or a slice."""
        return Samples(*(_taken(getattr(self, name), rows) for name in self.__dataclass_fields__))

    @property
    def size(self) -> int:
        """Side S in pixels."""
        return int(self.pictures.shape[1])

    @property
    def digest(self) -> bytes:
        """16 bytes that change with any pixel, box, keypoint or person."""
        made = hashlib.blake2b(digest_size=16)
        for part in (self.pictures, self.boxes, self.keypoints, self.people):
            made.update(repr(part.shape).encode() + np.ascontiguousarray(part).tobytes())
        return made.digest()

    def showing(self, pictures: Array) -> Samples:
        """The same faces in other pictures, (N, S, S, 3) uint8: anonymized, restored, masked."""
        return replace(self, pictures=pictures)

    def face(self, row: int) -> Detections:
        """Where the face of one sample is."""
        return Detections(self.boxes[row : row + 1], np.ones(1), self.keypoints[row : row + 1], schema=FIVE)

    @classmethod
    def join(cls, several: list[Samples]) -> Samples:
        """All samples of several, in order; scales that one of them lacks are lost."""
        return cls(*(_joined([getattr(s, name) for s in several]) for name in cls.__dataclass_fields__))


def _taken(array: Any, rows: Array | slice) -> Any:
    return None if array is None else array[rows]


def _joined(arrays: list[Any]) -> Any:
    return None if any(array is None for array in arrays) else np.concatenate(arrays)


def sample_region(face: Detections, width: int, height: int) -> Array:
    """(4,) int64 the square of a `width` x `height` photo that becomes the sample of one face."""
    return geometry.crop_region(geometry.clip(face.boxes[0], width, height), width, height)


def cut_picture(image: Array, region: Array, size: int = SIZE) -> Array:
    """(H, W, 3) uint8 photo -> (size, size, 3) uint8, what lies in `region`, black where that leaves the photo."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = geometry.clip(region, width, height)
    pad = [(y0 - region[1], region[3] - y1), (x0 - region[0], region[2] - x1), (0, 0)]
    window = np.pad(image[y0:y1, x0:x1], pad)
    sampling = cv2.INTER_AREA if size < len(window) else cv2.INTER_CUBIC
    return np.asarray(window if len(window) == size else cv2.resize(window, (size, size), interpolation=sampling))


def placed(face: Detections, region: Array, size: int = SIZE) -> tuple[Array, Array]:
    """(4,) box and (5, 2) keypoints of one face in pixels of its sample; the box is rounded outward in the photo."""
    scale = size / float(region[2] - region[0])
    box = (geometry.outward(face.boxes[0]) - np.tile(region[:2], 2)) * scale
    points = (face.points[0] - region[:2]) * scale
    return np.clip(box, 0, size).astype(np.float32), points.astype(np.float32)
