"""Can a program tell that a photo was cloaked? Its high frequencies say so, to a classifier of a second's training."""

from __future__ import annotations

import cv2
import numpy as np

from deepanon import geometry
from deepanon.audit.cloaking.attacks import SHRINKAGE
from deepanon.audit.cloaking.purification import jpeg
from deepanon.audit.people.samples import Samples
from deepanon.geometry import Array

MOST = 3  # levels to which residuals are cut
QUALITY = 95  # at which both kinds are saved before they are looked at: else the lack of JPEG's traces gives it away


def residuals(samples: Samples) -> Array:
    """(N, 147) float: how often neighbouring residuals take which values, in the face box (after SPAM, Pevny 2010).

    A residual is a pixel less the median of its 3 x 3 neighbours, channel by channel.
    """
    rows, rng = [], np.random.default_rng(0)
    for picture, box in zip(samples.pictures, geometry.outward(samples.boxes), strict=True):
        stored = jpeg(picture, rng, quality=QUALITY)[0]
        x0, y0, x1, y1 = geometry.clip(box, stored.shape[1], stored.shape[0])
        face = np.ascontiguousarray(stored[y0:y1, x0:x1])
        rest = face.astype(np.int64) - cv2.medianBlur(face, 3)
        rows.append(_pairs(np.clip(rest, -MOST, MOST) + MOST))
    return np.stack(rows)


def classifier(clear: Array, cloaked: Array) -> Array:
    """(F,) weights of Fisher's discriminant; features times these are larger for cloaked pictures."""
    both = np.concatenate([clear - clear.mean(axis=0), cloaked - cloaked.mean(axis=0)])
    within = both.T @ both / len(both)
    spread = np.trace(within) / len(within)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * spread * np.eye(len(within))
    return np.asarray(np.linalg.solve(within, cloaked.mean(axis=0) - clear.mean(axis=0)))


def _pairs(levels: Array) -> Array:
    """(H, W, 3) int in 0 … 2 MOST -> shares of each pair of neighbours across and down, and across channels."""
    count = 2 * MOST + 1
    neighbours = (
        (levels[:, :-1], levels[:, 1:]),
        (levels[:-1], levels[1:]),
        (levels[..., :2], levels[..., 1:]),
    )
    tables = [np.bincount((a * count + b).ravel(), minlength=count**2) / max(a.size, 1) for a, b in neighbours]
    return np.concatenate(tables)
