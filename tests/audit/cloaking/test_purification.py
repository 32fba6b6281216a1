import cv2
import numpy as np
import pytest

from deepanon.audit.cloaking import PURIFICATIONS
from deepanon.audit.cloaking.purification import purified


@pytest.mark.parametrize("name", PURIFICATIONS)
def test_each_keeps_the_size_and_changes_little(name, samples):
    clean = purified(samples, PURIFICATIONS[name], seed=0)
    assert clean.pictures.shape == samples.pictures.shape
    assert clean.pictures.dtype == np.uint8
    if name != "random pad":
        assert 0 < np.abs(clean.pictures.astype(int) - samples.pictures).mean() < 12
        assert np.array_equal(clean.keypoints, samples.keypoints)
    again = purified(samples, PURIFICATIONS[name], seed=0)
    assert np.array_equal(again.pictures, clean.pictures)


def test_a_perturbation_loses_more_than_the_picture(samples):
    """Noise of one pixel is what median, blur and reduction are there for."""
    picture = cv2.GaussianBlur(samples.pictures[0], (0, 0), 2)
    noise = np.random.default_rng(0).choice([-8, 8], picture.shape)
    noisy = np.clip(picture + noise, 0, 255).astype(np.uint8)
    for name in ("half size", "median 3", "blur 0.6", "jpeg 50", "jpeg 30"):
        left = PURIFICATIONS[name](noisy, np.random.default_rng(0))[0].astype(int) - picture
        assert np.abs(left).mean() < 0.8 * np.abs(noisy.astype(int) - picture).mean(), name


def test_keypoints_move_with_a_padded_picture(samples):
    """A mark on a keypoint is found where the keypoint is said to be."""
    marked = np.zeros_like(samples.pictures)
    for picture, (x, y) in zip(marked, samples.keypoints[:, 2].round().astype(int), strict=True):
        picture[y - 1 : y + 2, x - 1 : x + 2] = 255
    clean = purified(samples.showing(marked), PURIFICATIONS["random pad"], seed=3)
    for picture, point in zip(clean.pictures, clean.keypoints[:, 2], strict=True):
        rows, columns = np.nonzero(picture[..., 0] > 100)
        assert np.abs([columns.mean() - point[0], rows.mean() - point[1]]).max() < 1.5
    assert len({picture.tobytes() for picture in clean.pictures}) > 8


def test_five_bits():
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    shallow = PURIFICATIONS["five bits"](picture, np.random.default_rng(0))[0]
    assert len(np.unique(shallow)) == 32
    assert np.abs(shallow.astype(int) - picture).max() == 4
