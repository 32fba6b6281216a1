"""The plain methods against their definitions."""

import cv2
import numpy as np
import pytest

from deepanon.anonymizers import ANONYMIZERS, build_anonymizer
from deepanon.anonymizers.blur import gaussian9, heavy_blur
from deepanon.anonymizers.pixelate import mosaic, pixelate
from deepanon.anonymizers.redact import blackout, noise
from deepanon.detections import Detections
from deepanon.pipeline import replace_faces

RNG = np.random.default_rng(0)
FACE = np.random.default_rng(1).integers(0, 256, (50, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize("cells", [8, 16])
def test_pixelation_is_the_papers(cells):
    """DeepPrivacy v1: `cv2.resize(face, (N, N))` and back, both with the default interpolation."""
    assert np.array_equal(pixelate(FACE, RNG, cells=cells), cv2.resize(cv2.resize(FACE, (cells, cells)), (40, 50)))


def test_mosaic_cells_are_flat_and_relative_to_the_face():
    for scale in (1, 3):
        face = FACE.repeat(scale, 0).repeat(scale, 1)
        out = mosaic(face, RNG)
        cell = 5 * scale  # 40 px / 8 cells
        block = out[:cell, :cell].reshape(-1, 3)
        assert (block == block[0]).all()
        assert np.abs(block[0] - face[:cell, :cell].reshape(-1, 3).mean(0)).max() <= 0.5
        assert len(np.unique(out.reshape(-1, 3), axis=0)) <= 80


def test_blurs_are_the_papers():
    assert np.array_equal(gaussian9(FACE, RNG), cv2.GaussianBlur(FACE, (9, 9), 3, None, 3))
    assert np.array_equal(heavy_blur(FACE, RNG), cv2.blur(FACE, (12, 12)))  # int(0.3 * 40)


def test_heavy_blur_uses_the_width():
    wide = FACE.transpose(1, 0, 2)
    assert np.array_equal(heavy_blur(wide, RNG), cv2.blur(np.ascontiguousarray(wide), (15, 15)))


def test_blackout_is_black_and_noise_has_the_faces_statistics():
    assert (blackout(FACE, RNG) == 0).all()
    calm = (FACE // 8 + 100).astype(np.uint8)  # far from the ends, so that clipping plays no part
    drawn = noise(calm.repeat(8, 0).repeat(8, 1), RNG)
    assert abs(drawn.mean() - calm.mean()) < 0.3
    assert abs(drawn.std() - calm.std()) < 0.3


@pytest.mark.parametrize("name", sorted(set(ANONYMIZERS) - {"gan"}))
@pytest.mark.parametrize(
    "box", [[10, 10, 11, 11], [0, 0, 2, 1], [5.5, 6.5, 9.2, 30.1], [-9, -9, 70, 70], [58, 40, 90, 90]]
)
def test_tiny_and_overhanging_boxes(name, box):
    image = np.random.default_rng(2).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    out = replace_faces(image, Detections(np.array([box], np.float32), np.ones(1)), build_anonymizer(name), [1])
    x0, y0 = (max(0, int(np.floor(v))) for v in box[:2])
    x1, y1 = (min(60, int(np.ceil(v))) for v in box[2:])
    outside = np.ones((60, 60), bool)
    outside[y0:y1, x0:x1] = False
    assert np.array_equal(out[outside], image[outside])


@pytest.mark.parametrize("name", ["pixelate8", "gaussian9", "heavy_blur", "mosaic"])
def test_native_pixels_reach_the_function(name):
    """The method works on the tight box at native size, not on a resampled crop."""
    image = np.random.default_rng(3).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    out = replace_faces(image, Detections(np.array([[60, 50, 100, 100.0]]), np.ones(1)), build_anonymizer(name), [1])
    expected = build_anonymizer(name).function(np.ascontiguousarray(image[50:100, 60:100]), RNG)
    assert np.array_equal(out[50:100, 60:100], expected)


@pytest.mark.parametrize("name", ["mosaic", "heavy_blur", "gaussian9", "blackout", "noise"])
@pytest.mark.parametrize("side", range(2, 24))
def test_small_faces_are_not_left_as_they_are(name, side):
    face = np.random.default_rng(side).integers(0, 256, (side + 2, side, 3), dtype=np.uint8)
    changed = build_anonymizer(name).function(face, np.random.default_rng(0)) != face
    assert changed.any(axis=-1).mean() > 0.9
