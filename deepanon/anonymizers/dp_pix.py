"""Pixelation with noise enough for differential privacy, as far as that goes for one picture."""

from __future__ import annotations

from functools import partial

import numpy as np

from deepanon.anonymizers.filter import FaceFilter
from deepanon.anonymizers.pixelate import MOST_CELLS
from deepanon.checks import check_range
from deepanon.geometry import Array

EPSILON, M, CELLS = 0.3, 16, 8


def dp_pix(face: Array, rng: np.random.Generator, *, epsilon: float, m: int, cells: int) -> Array:
    """Square cells of b x b px with their mean plus Laplace noise of scale 255 m / (b² epsilon), in every colour.

    Fan 2018, "Image Pixelization with Differential Privacy". For one colour the result is epsilon-differentially
    private for pictures that differ in at most `m` pixels; three colours with noise of their own cost 3 epsilon. Cells
    that the border cuts have fewer pixels, n; each of them counts for more in the mean, and b² is n for them.

    Args:
        face: (h, w, 3) uint8.
        rng: of the noise.
        epsilon: more is less noise.
        m: pixels in which two pictures may differ that should be hard to tell apart.
        cells: across the shorter side; b is that many pixels.
    """
    height, width = face.shape[:2]
    side = max(1, round(min(height, width) / cells))
    down, across = (np.arange(0, edge, side) for edge in (height, width))
    sums = np.add.reduceat(np.add.reduceat(face.astype(np.float64), down, axis=0), across, axis=1)
    count = (np.diff([*down, height])[:, None] * np.diff([*across, width])[None, :])[..., None]
    noisy = sums / count + rng.laplace(0, 255 * m / (count * epsilon), sums.shape)
    means = noisy.clip(0, 255).round().astype(np.uint8)
    return means.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]


def dp_pix_filter(epsilon: float = EPSILON, m: int = M, cells: int = CELLS) -> FaceFilter:
    """The method `dp_pix`.

    Args:
        epsilon: 0.000001 to 1000000.
        m: 1 to 1000000.
        cells: 1 to 1024.

    Raises:
        OptionError: out of range.
    """
    check_range("epsilon", epsilon, 1e-6, 1e6)
    check_range("m", m, 1, 10**6, whole=True)
    check_range("cells", cells, 1, MOST_CELLS, whole=True)
    about = (
        f"DP-Pix (Fan 2018), epsilon {epsilon} in each of three colours, m {m}, square cells, {cells} across the "
        "shorter side"
    )
    return FaceFilter("dp_pix", partial(dp_pix, epsilon=epsilon, m=m, cells=cells), about, random=True)
