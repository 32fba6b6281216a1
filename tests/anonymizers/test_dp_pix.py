"""DP-Pix against Fan's formula, and its privacy counted on neighbouring pictures."""

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.anonymizers.dp_pix import dp_pix

FACE = np.random.default_rng(3).integers(0, 256, (80, 64, 3), dtype=np.uint8)


class Still:
    """A generator of random numbers that keeps the scales that it is asked for, and draws zeros."""

    def laplace(self, mean, scale, shape):
        self.scale = np.broadcast_to(scale, shape)
        assert mean == 0
        return np.zeros(shape)


def test_cells_are_means_and_noise_has_fans_scale():
    still = Still()
    out = dp_pix(FACE, still, epsilon=0.5, m=16, cells=8)  # b is 8 px
    for row in range(10):
        for column in range(8):
            block = np.s_[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            assert np.abs(out[block] - FACE[block].reshape(-1, 3).mean(0)).max() <= 0.5
    assert still.scale.shape == (10, 8, 3)
    assert np.allclose(still.scale, 255 * 16 / (8**2 * 0.5))


def test_cells_that_the_border_cuts_have_more_noise():
    """Of a mean of fewer pixels each is a larger part."""
    still = Still()
    out = dp_pix(FACE[:75, :61], still, epsilon=1, m=16, cells=8)  # b is 8 again; the last row has 3 px, the column 5
    assert np.allclose(still.scale[:-1, :-1], 255 * 16 / 64)
    assert np.allclose(still.scale[-1, :-1], 255 * 16 / 24)
    assert np.allclose(still.scale[-1, -1], 255 * 16 / 15)
    assert np.abs(out[72:75, 56:61] - FACE[72:75, 56:61].reshape(-1, 3).mean(0)).max() <= 0.5


def test_the_noise_is_laplaces():
    grey, scale = np.full((2000, 2000, 3), 128, np.uint8), 255 * 16 / (20**2 * 2.0)
    drawn = build_anonymizer("dp_pix:epsilon=2:cells=100").function(grey, np.random.default_rng(1))[::20, ::20] - 128.0
    assert drawn.mean() == pytest.approx(0, abs=0.2)
    assert np.abs(drawn).mean() == pytest.approx(scale, rel=0.03)  # of Laplace's, mean distance and scale are one
    assert (drawn**2).mean() == pytest.approx(2 * scale**2, rel=0.06)


@pytest.mark.parametrize("shape", [(64, 64), (61, 45)])
def test_what_epsilon_says_holds_for_pictures_that_differ_in_m_pixels(shape):
    """The largest log ratio of densities is the sum of mean differences over scales: epsilon at most, for a colour."""
    generator = np.random.default_rng(0)
    worst = 0.0
    for _ in range(200):
        one = generator.integers(0, 2, (*shape, 3), dtype=np.uint8) * 255
        other = one.copy()
        corner = (
            generator.integers(0, [shape[0] - 4, shape[1] - 4], 2) if generator.random() < 0.7 else np.array(shape) - 4
        )
        rows, columns = (np.arange(4) + low for low in corner)
        other[np.ix_(rows, columns)] = 255 - one[np.ix_(rows, columns)]  # 16 pixels, each as far as it goes
        one[np.ix_(rows, columns)], other[np.ix_(rows, columns)] = 0, 255
        still = Still()
        means = [exact_means(each, 8) for each in (one, other)]
        dp_pix(one, still, epsilon=0.3, m=16, cells=round(shape[1] / 8))
        loss = (np.abs(means[0] - means[1]) / still.scale).sum(axis=(0, 1))  # for each colour
        worst = max(worst, loss.max())
        assert loss.max() <= 0.3 + 1e-9
    assert worst == pytest.approx(0.3)  # and the bound is reached: there is no more noise than needed


def exact_means(face, side):
    rows, columns = (range(0, edge, side) for edge in face.shape[:2])
    return np.array([[face[y : y + side, x : x + side].reshape(-1, 3).mean(0) for x in columns] for y in rows])
