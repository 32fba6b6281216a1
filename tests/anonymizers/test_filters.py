"""The plain methods against their definitions."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from deepanon.anonymizers import ANONYMIZERS, build_anonymizer
from deepanon.anonymizers.blur import gaussian9, heavy_blur
from deepanon.anonymizers.pixelate import mosaic, pixelate
from deepanon.anonymizers.redact import blackout, noise
from deepanon.crops import Crops
from deepanon.detections import FIVE, Detections
from deepanon.images import to_float, to_uint8
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


def script(crop, box, change):
    """DeepPrivacy's script of June 2019 on a square crop that needs no padding; `box` in crop pixels, as it rounds."""
    small = cv2.resize(crop, (128, 128), interpolation=cv2.INTER_AREA)
    x0, y0, x1, y1 = (int(v / len(crop) * 128) for v in box)
    small[y0:y1, x0:x1] = change(small[y0:y1, x0:x1])
    return cv2.resize(small, (len(crop), len(crop)))


def heavy(face):
    side = int(0.3 * min(face.shape[:2]))
    return cv2.blur(face, (side, side))


SCRIPTS = {
    "pixelate8_crop": lambda f: cv2.resize(cv2.resize(f, (8, 8)), f.shape[1::-1], interpolation=cv2.INTER_AREA),
    "pixelate16_crop": lambda f: cv2.resize(cv2.resize(f, (16, 16)), f.shape[1::-1], interpolation=cv2.INTER_AREA),
    "gaussian9_crop": lambda f: cv2.GaussianBlur(np.ascontiguousarray(f), (9, 9), 3, None, 3),
    "heavy_blur_crop": heavy,
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("side", [64, 128, 256, 640])
def test_variant_b_is_the_scripts(name, side):
    """To the bit where the box falls on whole pixels at 128 px, smaller and larger crops; outside nothing changes."""
    image = np.random.default_rng(5).integers(0, 256, (side, side, 3), dtype=np.uint8)
    x0, y0, x1, y1 = box = np.array([20, 30, 90, 108]) * side // 128
    crops = Crops.from_faces(to_float(image[None]), torch.zeros(1, 4), torch.full((1, 5, 2), torch.nan), FIVE)
    crops = replace(crops, context=to_float(image[None]), boxes=torch.as_tensor(box[None]).float())
    out = to_uint8(build_anonymizer(name)(crops, [1]))[0]
    assert np.array_equal(out[y0:y1, x0:x1], script(image, box, SCRIPTS[name])[y0:y1, x0:x1])
    outside = np.ones(image.shape[:2], bool)
    outside[y0:y1, x0:x1] = False
    assert np.array_equal(out[outside], image[outside])


def test_variant_b_leaves_no_rim_of_the_face():
    """The scripts round the box toward zero; here every pixel of it goes through the filter."""
    image = np.full((300, 300, 3), 90, np.uint8)
    image[101:147, 101:147] = 255  # the face: white, the rest grey; its crop has 78 px, which 128 does not divide
    faces = Detections(np.array([[101, 101, 147, 147.0]]), np.ones(1))
    out = replace_faces(image, faces, build_anonymizer("heavy_blur_crop"), [1])
    noisy = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)
    changed = replace_faces(noisy, faces, build_anonymizer("pixelate8_crop"), [1]) != noisy
    assert changed[101:147, 101:147].any(axis=-1).mean() > 0.98
    assert not changed[:101].any()
    assert out[101:147, 101:147].min() > 90


def test_gaussian_follows_the_face_and_has_a_floor():
    """Against scipy's filter, away from the border, where the two continue a picture differently."""
    from scipy.ndimage import gaussian_filter

    face = np.random.default_rng(4).integers(0, 256, (200, 150, 3), dtype=np.uint8)
    theirs = gaussian_filter(face.astype(float), (20, 20, 0), truncate=3)
    ours = build_anonymizer("gaussian").function(face, RNG)
    assert np.abs(ours - theirs)[70:-70, 70:-70].max() < 1.5
    tiny = face[:6, :5]
    assert np.array_equal(build_anonymizer("gaussian").function(tiny, RNG), cv2.GaussianBlur(tiny, (0, 0), 2))


def test_gaussian_with_another_sigma():
    from scipy.ndimage import gaussian_filter

    face = np.random.default_rng(4).integers(0, 256, (200, 150, 3), dtype=np.uint8)
    theirs = gaussian_filter(face.astype(float), (8, 8, 0), truncate=3)
    ours = build_anonymizer("gaussian:sigma=0.04").function(face, RNG)
    assert np.abs(ours - theirs)[30:-30, 30:-30].max() < 1.5


@pytest.mark.parametrize("cells", [1, 3, 8, 16])
def test_pixelate_is_pixelate8_for_any_number_of_cells(cells):
    out = build_anonymizer(f"pixelate:cells={cells}").function(FACE, RNG)
    assert np.array_equal(out, cv2.resize(cv2.resize(FACE, (cells, cells)), (40, 50)))
    if cells in (8, 16):
        assert np.array_equal(out, build_anonymizer(f"pixelate{cells}").function(FACE, RNG))


def test_mosaic_and_box_filter_of_another_size():
    out = build_anonymizer("mosaic:cells=4").function(FACE, RNG)
    for row in range(5):
        for column in range(4):
            block = np.s_[10 * row : 10 * row + 10, 10 * column : 10 * column + 10]
            assert np.abs(out[block] - FACE[block].reshape(-1, 3).mean(0)).max() <= 0.5
    assert np.array_equal(build_anonymizer("heavy_blur:share=0.6").function(FACE, RNG), cv2.blur(FACE, (24, 24)))


def test_every_method_says_what_it_is_and_whether_it_draws():
    built = {name: build_anonymizer(name) for name in ANONYMIZERS if name != "cloak"}  # which needs weights
    assert {name for name, method in built.items() if method.random} == {
        *("gan", "noise", "plate", "dp_pix", "layered", "layered_lite", "layered_strong"),
    }
    assert all(method.name == name for name, method in built.items())
    lines = {method.description for method in built.values()}
    assert len(lines) == len(built)
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize("name", sorted(set(ANONYMIZERS) - {"gan", "cloak"}))
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


@pytest.mark.parametrize("name", ["pixelate8", "gaussian9", "gaussian", "heavy_blur", "mosaic"])
def test_native_pixels_reach_the_function(name):
    """The method works on the tight box at native size, not on a resampled crop."""
    image = np.random.default_rng(3).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    out = replace_faces(image, Detections(np.array([[60, 50, 100, 100.0]]), np.ones(1)), build_anonymizer(name), [1])
    expected = build_anonymizer(name).function(np.ascontiguousarray(image[50:100, 60:100]), RNG)
    assert np.array_equal(out[50:100, 60:100], expected)


@pytest.mark.parametrize(
    "name", ["mosaic", "heavy_blur", "gaussian9", "gaussian", "blackout", "noise", "layered_lite", "dp_pix"]
)
@pytest.mark.parametrize("side", range(2, 24))
def test_small_faces_are_not_left_as_they_are(name, side):
    face = np.random.default_rng(side).integers(0, 256, (side + 2, side, 3), dtype=np.uint8)
    changed = build_anonymizer(name).function(face, np.random.default_rng(0)) != face
    assert changed.any(axis=-1).mean() > 0.9
