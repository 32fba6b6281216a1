"""How much of a change can be seen: plain measures of two pictures, after rounding to 8 bits."""

from __future__ import annotations

import numpy as np

from deepanon.geometry import Array

WINDOW = 11  # px of SSIM's Gaussian window (Wang et al. 2004); smaller pictures are continued at their edges


def largest(before: Array, after: Array) -> int:
    """L-infinity distance of two uint8 pictures of one shape, in levels 0 … 255."""
    return int(np.abs(after.astype(np.int16) - before).max(initial=0))


def psnr(before: Array, after: Array) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures in dB; infinite for equal ones."""
    error = float(((after.astype(np.float64) - before) ** 2).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def ssim(before: Array, after: Array) -> float:
    """Structural similarity of two (H, W, 3) uint8 pictures, mean over channels: Gaussian window of σ 1.5 (2004)."""
    from skimage.metrics import structural_similarity  # slow to import, and only this needs it

    height, width = before.shape[:2]
    more = [(0, max(WINDOW - height, 0)), (0, max(WINDOW - width, 0)), (0, 0)]
    pair = [np.pad(picture, more, mode="edge") for picture in (before, after)]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return float(structural_similarity(*pair, channel_axis=2, **options))


def dssim(before: Array, after: Array) -> float:
    """Structural dissimilarity (1 - SSIM) / 2, what Fawkes' budget is in."""
    return (1 - ssim(before, after)) / 2
