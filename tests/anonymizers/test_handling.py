"""What an attack is averaged over: each keeps size and range, lets gradients pass, and is what its name says."""

import cv2
import numpy as np
import pytest
import torch

from deepanon.anonymizers.handling import HANDLINGS, diverse, jpeg, read_handlings, resize, smoothed
from deepanon.data.synthetic import draw_scene
from deepanon.errors import OptionError
from deepanon.images import to_float, to_uint8


@pytest.fixture(scope="module")
def image():
    return to_float(draw_scene(70, 70, 1, seed=1)[0][None])


@pytest.mark.parametrize("name", HANDLINGS)
def test_each_changes_the_picture_a_little_and_lets_gradients_pass(name, image):
    pixels = image.clone().requires_grad_()
    handled = HANDLINGS[name](pixels, np.random.default_rng(1))
    assert handled.shape == image.shape
    assert 0 < (handled - image).abs().mean() < 0.1
    handled.sum().backward()
    assert (pixels.grad > 0).all()
    again = HANDLINGS[name](image, np.random.default_rng(1))
    torch.testing.assert_close(again, handled.detach())


def test_jpeg_is_real(image):
    handled = to_uint8(jpeg(image, np.random.default_rng(0)))[0]
    quality = int(np.random.default_rng(0).integers(60, 96))
    ok, contents = cv2.imencode(".jpg", to_uint8(image)[0][..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok
    theirs = cv2.imdecode(contents, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    assert np.abs(handled - theirs).mean() < 1.5


def test_resize_loses_detail():
    fine = torch.ones(1, 3, 32, 32)
    fine[..., ::2] = -1
    assert min(resize(fine, np.random.default_rng(seed)).abs().mean() for seed in range(8)) < 0.3


def test_diversity_moves_a_smaller_picture_in_a_black_frame():
    white = torch.ones(1, 3, 100, 100)
    seen = {float(diverse(white, np.random.default_rng(seed)).mean()) for seed in range(20)}
    assert len(seen) > 5
    assert all(2 * 0.9**2 - 1.01 < mean <= 1 for mean in seen)
    assert diverse(white, np.random.default_rng(0)).shape == white.shape


def test_smoothed_is_opencvs_blur(image):
    theirs = cv2.GaussianBlur(image[0].permute(1, 2, 0).numpy(), (7, 7), 3, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(smoothed(image, 3, 7)[0].permute(1, 2, 0).numpy(), theirs, atol=1e-5)
    assert torch.equal(smoothed(image, 0), image)
    assert torch.equal(smoothed(image, 3, 1), image)


def test_names():
    assert read_handlings("none") == []
    assert read_handlings("blur+jpeg") == [HANDLINGS["blur"], jpeg]
    with pytest.raises(OptionError, match="choose one of: blur, jpeg, resize"):
        read_handlings("webp")
