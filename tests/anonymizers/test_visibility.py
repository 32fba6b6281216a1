import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from deepanon.anonymizers.visibility import dssim, largest, psnr, ssim


def pictures(height=40, width=50):
    rng = np.random.default_rng(0)
    before = rng.integers(20, 230, (height, width, 3), dtype=np.uint8)
    return before, (before + rng.integers(-8, 9, before.shape)).astype(np.uint8)


def test_measures_agree_with_their_definitions():
    before, after = pictures()
    assert largest(before, after) == 8
    assert psnr(before, after) == pytest.approx(peak_signal_noise_ratio(before, after, data_range=255))
    assert psnr(before, before) == float("inf")
    assert ssim(before, before) == pytest.approx(1)
    assert dssim(before, after) == pytest.approx((1 - ssim(before, after)) / 2)
    flat = np.full((30, 30, 3), 100, np.uint8)  # of constants only the luminance term is left
    constant = (2 * 100 * 110 + (0.01 * 255) ** 2) / (100**2 + 110**2 + (0.01 * 255) ** 2)
    assert ssim(flat, flat + 10) == pytest.approx(constant, abs=1e-6)


def test_small_faces_can_be_compared():
    before, after = pictures(3, 4)
    assert 0 < dssim(before, after) < 1
    assert largest(np.zeros((0, 4, 3), np.uint8), np.zeros((0, 4, 3), np.uint8)) == 0


def test_levels_do_not_wrap():
    assert largest(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)) == 255
