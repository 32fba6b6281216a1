import pytest
import torch

from deepanon.models.unet import UNet


@pytest.mark.parametrize("dense", [0, 16])
def test_an_untrained_one_gives_back_what_it_is_shown(dense):
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(UNet(16, 4, 2, dense)(images), images)


def test_with_a_dense_layer_every_pixel_sees_every_other():
    for dense, far in ((0, False), (16, True)):
        network = UNet(64, 2, 1, dense).eval()
        torch.nn.init.ones_(network.end.weight)
        images = torch.randn(1, 3, 64, 64, requires_grad=True)
        network(images)[0, :, 0, 0].sum().backward()
        assert bool(images.grad[0, :, -1, -1].any()) is far


def test_side_must_halve_as_often_as_it_is_deep():
    with pytest.raises(ValueError, match="multiple of 16"):
        UNet(40, 4, 4)
