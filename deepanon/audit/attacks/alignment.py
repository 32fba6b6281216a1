"""The frame that face restorers were trained in: FFHQ's at 512 px, by five keypoints that the attacker is told."""

from __future__ import annotations

import math

import cv2
import numpy as np

from deepanon import geometry
from deepanon.audit.people.samples import Samples
from deepanon.geometry import Array

SIDE = 512  # px
TEMPLATE = np.array(  # facexlib's `FaceRestoreHelper`, which GFPGAN, RestoreFormer and CodeFormer are fed by
    ((192.98138, 239.94708), (318.90277, 240.1936), (256.63416, 314.01935), (201.26117, 371.41043),
     (313.08905, 371.15118))
)  # fmt: skip
OUTSIDE = (132, 133, 135)  # RGB that the same code puts where a photo ends
FADE = 24  # px of the frame over which what is put back fades out at the frame's border


def aligned(samples: Samples) -> Array:
    """(N, 512, 512, 3) uint8 every sample in the frame.

    Faces are placed by the keypoints of the untouched photo: no detector looks at the anonymized face, or blurs that it
    cannot find would pass for protection.
    """
    made = np.empty((len(samples), SIDE, SIDE, 3), dtype=np.uint8)
    for row, matrix in enumerate(_matrices(samples)):
        made[row] = cv2.warpAffine(
            samples.pictures[row], matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderValue=OUTSIDE
        )
    return made


def put_back(samples: Samples, faces: Array) -> Samples:
    """The samples with (N, 512, 512, 3) uint8 restored faces where they belong; the frame's border fades out."""
    pictures = samples.pictures.copy()
    for row, matrix in enumerate(_matrices(samples)):
        weight = _back(_fading(), matrix, samples.size)[..., None]
        new = _back(faces[row].astype(np.float32), matrix, samples.size)
        pictures[row] = np.rint(np.clip(pictures[row] + weight * (new - pictures[row]), 0, 255)).astype(np.uint8)
    return samples.showing(pictures)


def _matrices(samples: Samples) -> list[Array]:
    """(2, 3) each, from the sample to the frame; keypoints on one spot leave the sample scaled to the frame."""
    whole = np.array([[SIDE / samples.size, 0, 0], [0, SIDE / samples.size, 0]])
    found = [geometry.similarity(points, TEMPLATE) for points in samples.keypoints]
    return [matrix if np.isfinite(matrix).all() else whole for matrix in found]


def _back(frame: Array, matrix: Array, size: int) -> Array:
    """Frame -> (size, size, …) float32: sampled more finely than needed and averaged, because it shrinks."""
    finer = max(1, math.ceil(np.hypot(matrix[0, 0], matrix[1, 0])))
    grid = np.array([[1 / finer, 0, 0.5 / finer - 0.5], [0, 1 / finer, 0.5 / finer - 0.5], [0, 0, 1]])
    # warpAffine's inverse map takes target pixels to the frame: fine sample pixel -> sample pixel -> frame
    inverse = (matrix @ grid).astype(np.float64)
    fine = cv2.warpAffine(frame, inverse, (size * finer, size * finer), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _fading() -> Array:
    """(512, 512) float32: 1 in the middle, 0 at the border."""
    away = np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1])
    ramp = np.clip(away / FADE, 0, 1).astype(np.float32)
    return np.minimum(ramp[:, None], ramp[None, :])
