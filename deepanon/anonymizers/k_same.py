"""One face for k people: the mean of a group of reference faces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from deepanon.anonymizers.boxes import closed, opened
from deepanon.anonymizers.reference import (
    MARGIN,
    MOST,
    SIDE,
    ReferenceFaces,
    aligned,
    alignment,
    drawn_faces,
    folder_faces,
)
from deepanon.checks import check_range
from deepanon.crops import Crops
from deepanon.errors import OptionError
from deepanon.geometry import Array

K = 10
COMPARED = 32  # px at which faces are compared


class KSame:
    """Replaces a face by the mean of the group that its nearest reference face belongs to.

    Newton, Sweeney and Malin 2005, "Preserving Privacy by De-identifying Face Images", k-Same-Pixel: the reference
    faces are put into groups of k or more, once, and each group has one mean. The published guarantee, that nobody is
    named with a chance above 1/k, is about a closed set with one picture of each person, in which the reference faces
    are those people. It holds here only then. For anybody else this is a picture of others, chosen by what the face
    looks like: that choice says something of the face, and hair and outline around the box stay.

    Args:
        k: least number of faces that a mean is of.
        faces: folder of pictures or packed crops (`reference.folder_faces`); "" = faces of nobody that the bundled
            generator draws.

    Raises:
        OptionError: `k` is out of range, or more than the reference faces.
        DeepanonError: the reference faces cannot be read.
    """

    name = "k_same"
    size: int | None = None  # native pixels
    sees_face = True
    random = False
    cosmetic = False

    def __init__(self, k: int = K, faces: str | Path = "") -> None:
        check_range("k", k, 1, MOST, whole=True)
        reference = folder_faces(faces) if str(faces) else drawn_faces()
        if k > len(reference):
            raise OptionError(f"k is {k}, but there are {len(reference)} reference faces: lower k, or give more faces")
        self._seen = _features(reference.pictures)
        self.groups = grouped(self._seen, k)
        self.means = np.stack([_mean(reference, self.groups == group) for group in range(self.groups.max() + 1)])
        self.description = (
            f"k-Same-Pixel (Newton et al. 2005), k {k}: mean of the group of the nearest of {reference.description}, "
            "aligned by keypoints"
        )

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return the crops with a mean face in their own box; (N, 3, S, S) float in [-1, 1]."""
        images, boxes = opened(crops)
        points = crops.keypoints.numpy().astype(np.float64) * crops.size
        for image, box, some in zip(images, boxes, points, strict=True):
            matrix = alignment(box, some, crops.schema)
            mean = self.means[self.groups[self._nearest(aligned(image, matrix))]]
            x0, y0, x1, y1 = box
            image[y0:y1, x0:x1] = _back(mean, matrix, len(image))[y0:y1, x0:x1]
        return closed(images, crops)

    def _nearest(self, face: Array) -> int:
        return int(_distances(self._seen, _features(face[None])[0]).argmin())


def grouped(features: Array, k: int) -> Array:
    """Which group each face belongs to: (M, D) float -> (M,) int64, every group of `k` faces at least.

    As published: the first face that is left and the k - 1 nearest of the others that are left make a group, until
    fewer than 2k are left, who make the last one.
    """
    groups, left, group = np.full(len(features), -1), np.arange(len(features)), 0
    while len(left):
        away = _distances(features[left], features[left[0]])
        away[0] = -1  # itself, also where others are equal
        chosen = np.argsort(away, kind="stable")[: k if len(left) >= 2 * k else None]
        groups[left[chosen]] = group
        left, group = np.delete(left, chosen), group + 1
    return groups


def _features(faces: Array) -> Array:
    """(N, `SIDE`, `SIDE`, 3) uint8 -> (N, D) float32: the face box without its margin, small."""
    edge = round(SIDE * MARGIN / (1 + 2 * MARGIN))
    inner = faces[:, edge : SIDE - edge, edge : SIDE - edge]
    small = [cv2.resize(face, (COMPARED, COMPARED), interpolation=cv2.INTER_AREA) for face in inner]
    return np.stack(small).reshape(len(faces), -1).astype(np.float32)


def _distances(features: Array, one: Array) -> Array:
    """(M, D), (D,) -> (M,) float64 squared Euclidean."""
    return np.asarray(((features - one) ** 2).sum(axis=1, dtype=np.float64))


def _mean(reference: ReferenceFaces, members: Array) -> Array:
    return np.asarray(reference.pictures[members].mean(axis=0).round().astype(np.uint8))


def _back(mean: Array, matrix: Array, side: int) -> Array:
    """The aligned mean, laid back into a crop of `side` px; beyond its own edge the edge goes on."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(mean, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE))
