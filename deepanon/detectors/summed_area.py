"""Means over windows of a picture from its summed-area table (Crow 1984): exact, for any number of windows at once."""

from __future__ import annotations

import cv2
import numpy as np

from deepanon.geometry import Array

PIXEL = np.complex128  # 16 bytes: four int32 sums are moved as one element, which is three times as fast


class SummedArea:
    """Resamples parts of one picture to a grid of window means.

    A window of a grid of `n` over `length` pixels reaches from floor(k length / n) to ceil((k + 1) length / n), as in
    torch's `adaptive_avg_pool2d` and `interpolate(mode="area")`: neighbours share pixels where n does not divide the
    length. Levels come back as exact means in float32, with a fourth channel that is to be ignored.

    The sums are int32 and wrap around in pictures above 8 megapixels. Differences of them do not mind, as long as a
    window's own sum fits: 2,900 x 2,900 pixels.

    Args:
        image: (H, W, 3) uint8.
    """

    def __init__(self, image: Array) -> None:
        self.height, self.width = image.shape[:2]
        self.sums = cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))  # (H + 1, W + 1, 4) int32

    def rows(self, start: int, stop: int, height: int, width: int) -> Array:
        """Rows `start` … `stop` of the whole picture resampled to `height` x `width`: (rows, width, 4) float32."""
        top, bottom = _windows(np.arange(start, stop), self.height, height)
        left, right = _windows(np.arange(width), self.width, width)
        strip = _pixels(self.sums.take(bottom, axis=0) - self.sums.take(top, axis=0))
        means = _sums(strip.take(right, axis=1)) - _sums(strip.take(left, axis=1))
        return _over(means, bottom - top, right - left)

    def crops(self, regions: Array, side: int) -> Array:
        """Parts of the picture, each resampled to `side` x `side`.

        Args:
            regions: (N, 4) int64 x0 y0 x1 y1 within the picture, each at least a pixel wide and high.
            side: in pixels.

        Returns:
            (N, side, side, 4) float32.
        """
        low, size, k = regions[:, :2, None], (regions[:, 2:] - regions[:, :2])[..., None], np.arange(side)
        first, last = _windows(k, size, side)  # N,2,side
        first, last = first + low, last + low
        left, right = first[:, 0, None, :], last[:, 0, None, :]
        top, bottom = (edge[:, 1, :, None] * (self.width + 1) for edge in (first, last))
        pixels = _pixels(self.sums).reshape(-1)
        means = _sums(pixels.take(bottom + right))
        means -= _sums(pixels.take(top + right))
        means -= _sums(pixels.take(bottom + left))
        means += _sums(pixels.take(top + left))
        return _over(means, *(last - first)[:, ::-1].swapaxes(0, 1))


def _windows(k: Array, length: Array | int, n: int) -> tuple[Array, Array]:
    """First pixel of the windows `k`, and the one after their last."""
    return k * length // n, -(-(k + 1) * length // n)


def _pixels(sums: Array) -> Array:
    return sums.view(PIXEL)[..., 0]


def _sums(pixels: Array) -> Array:
    return pixels[..., None].view(np.int32)


def _over(sums: Array, heights: Array, widths: Array) -> Array:
    """Sums (..., h, w, 4) int32 over windows of (..., h) x (..., w) pixels -> means, float32."""
    shares = 1 / (heights[..., :, None] * widths[..., None, :])
    means = sums.astype(np.float32)
    means *= shares.astype(np.float32)[..., None]
    return means
