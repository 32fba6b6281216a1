"""The control: the face of another real person in the same surroundings."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.crops import box_mask
from deepanon.data.cropset import CropSet
from deepanon.errors import DataError
from deepanon.geometry import Array

FEW = 20  # of all rows, tried one after the other before it is said that there is nobody else


def donors(people: Sequence[str], seed: int = 0) -> Array:
    """(N,) int64: for each crop another one, of another person; every crop gives its face once, or nearly.

    Raises:
        DataError: all crops are of one person.
    """
    if len(set(people)) < 2:
        raise DataError("all crops are of one person: nobody else's face can stand in for theirs")
    names, rng = np.unique(np.asarray(people), return_inverse=True)[1], np.random.default_rng(seed)
    chosen = np.asarray(rng.permutation(len(names)), dtype=np.int64)
    for _ in range(FEW):
        own = np.flatnonzero(names == names[chosen])
        if not len(own):
            return chosen
        other = rng.integers(len(names), size=len(own))
        chosen[own], chosen[other] = chosen[other], chosen[own].copy()
    for row in np.flatnonzero(names == names[chosen]):  # one person fills most of the set
        chosen[row] = rng.choice(np.flatnonzero(names != names[row]))
    return chosen


def exchanged(data: CropSet, rows: Sequence[int], given: Sequence[int], resolution: int) -> tuple[Tensor, Tensor]:
    """Crops in whose face boxes lies the face of another crop.

    It is turned, scaled and shifted so that its keypoints come to lie where those of the own face were; without
    keypoints the boxes are laid one on the other.

    Args:
        data: the set.
        rows: which crops.
        given: the crop whose face each gets.
        resolution: side of the result in pixels.

    Returns:
        (N, 3, S, S) uint8, and the face boxes (N, 4) float32 in pixels.
    """
    own, other = data.read(rows, resolution), data.read(given, resolution)
    boxes = own.boxes * resolution
    faces = [
        _laid(picture, *(part.numpy() * resolution for part in place))
        for picture, *place in zip(
            other.images.permute(0, 2, 3, 1).numpy(),
            other.keypoints,
            own.keypoints,
            other.boxes,
            own.boxes,
            strict=True,
        )
    ]
    laid = torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2)
    return torch.where(box_mask(boxes, resolution) > 0, laid, own.images), boxes


def _laid(picture: Array, points: Array, there: Array, box: Array, box_there: Array) -> Array:
    """(S, S, 3) uint8 moved so that `points` come to `there`, as far as they can."""
    matrix = geometry.similarity(points, there)
    if not np.isfinite(matrix).all():
        matrix = geometry.similarity(*(edges.reshape(2, 2) for edges in (box, box_there)))
    side = picture.shape[0]
    return np.asarray(
        cv2.warpAffine(
            np.ascontiguousarray(picture), matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    )
