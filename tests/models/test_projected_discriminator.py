import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deepanon.models import (
    Features,
    MobileNetFeatures,
    NetworkFeatures,
    ProjectedDiscriminator,
    ResidualDiscriminator,
)
from deepanon.models.losses import zero_centred_penalty

K = 5


class Pyramid(nn.Module):
    """Maps of half and a quarter of the side."""

    def __init__(self, stride=2):
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second = nn.Conv2d(3, 6, 3, 2, 1), nn.Conv2d(6, 8, 3, stride, 1)
        self.norm = nn.BatchNorm2d(6)

    def forward(self, x):
        fine = F.relu(self.norm(self.first(x)))
        return {"fine": fine, "coarse": self.second(fine)}


def build(**changes):
    torch.manual_seed(0)
    pixels = ResidualDiscriminator(16, {4: 8, 8: 8, 16: 6})
    return ProjectedDiscriminator(pixels, NetworkFeatures(Pyramid(), side=32), 64, mixed=8, width=8, **changes)


def inputs(n=4, size=64):
    rng = torch.Generator().manual_seed(1)
    image, context = (torch.rand(n, 3, size, size, generator=rng) * 2 - 1 for _ in range(2))
    mask = torch.zeros(n, 1, size, size)
    mask[..., size // 4 : -size // 4, size // 4 : -size // 4] = 1
    return image, context, mask, torch.rand(n, K, 2, generator=rng)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_pixels_count_as_much_as_all_maps_together(size):
    network, given = build(), inputs(size=size)
    scores = network(*given)
    assert scores.shape == (4, 2 * 2 * 16)
    plain, by_maps = scores.chunk(2, dim=1)
    reduced = [x if size == 16 else F.adaptive_avg_pool2d(x, 16) for x in given[:3]]
    torch.testing.assert_close(plain, network.pixels(*reduced, given[3])[:, None].expand(4, 32))
    assert by_maps.std(dim=1).min() > 0


def test_only_pixels_are_penalised():
    network, given = build(), inputs()
    assert network.penalised(*given).shape == (4,)
    penalty = zero_centred_penalty(lambda image: network.penalised(image, *given[1:]), given[0])
    penalty.backward()
    learnt = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert learnt
    assert all(name.startswith("pixels.") for name in learnt)


def test_heads_learn_and_everything_that_is_frozen_stays():
    network, given = build().train(), inputs()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    network(*given).square().sum().backward()
    optimizer.step()
    still = ("features.", "project.", "smooth.")
    for name, value in network.state_dict().items():
        if name.startswith(still):
            assert torch.equal(value, before[name]), name
    assert not network.features.training  # or its statistics would move
    moved = [name for name, p in network.named_parameters() if not torch.equal(p, before[name])]
    assert any(name.startswith("heads.1") for name in moved)
    assert any(name.startswith("pixels.") for name in moved)


@pytest.mark.parametrize("what", [1, 2, 3])
def test_heads_know_the_mask_and_the_keypoints_but_see_the_surroundings_in_the_picture(what):
    network, given = build(group=1).eval(), list(inputs())
    before = network(*given)[:, 32:]
    given[what] = 1 - given[what]
    assert torch.equal(network(*given)[:, 32:], before) == (what == 1)


def test_gradients_reach_the_picture_through_every_map():
    network, (image, *rest) = build(), inputs()
    image.requires_grad_(True)
    for cells in network(image, *rest)[:, 32:].split(16, dim=1):
        (gradient,) = torch.autograd.grad(cells.sum(), image, retain_graph=True)
        assert (gradient.abs().amax((1, 2, 3)) > 0).all()


def test_mobilenet_sees_as_retinaface_does():
    """The blocks of the common port, written out layer by layer."""
    torch.manual_seed(0)
    network, image = MobileNetFeatures(64), torch.rand(2, 3, 64, 64) * 2 - 1
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-1, 1)
            layer.running_var.uniform_(0.5, 2)
    x = (image[:, [2, 1, 0]] + 1) * 127.5 - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    state = network.state_dict()

    def layer(x, name, stride, groups=1, padding=1):
        conv, norm = name
        x = F.conv2d(x, state[f"{conv}.weight"], None, stride, padding, groups=groups)
        parts = (state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.leaky_relu(F.batch_norm(x, *parts), 0.1)

    strides = [("stage1", (2, 1, 2, 1, 2, 1)), ("stage2", (2, 1, 1, 1, 1, 1)), ("stage3", (2, 1))]
    maps = []
    for stage, steps in strides:
        for i, stride in enumerate(steps):
            at = f"{stage}.{i}"
            if (stage, i) == ("stage1", 0):
                x = layer(x, (f"{at}.0", f"{at}.1"), stride)
                continue
            x = layer(x, (f"{at}.0", f"{at}.1"), stride, groups=x.shape[1])
            x = layer(x, (f"{at}.3", f"{at}.4"), 1, padding=0)
            maps.append(x)
    expected = [maps[i] for i in (0, 2, 4, 10, 12)]
    for found, wanted, channels, stride in zip(
        network(image), expected, network.channels, network.strides, strict=True
    ):
        assert found.shape == (2, channels, 64 // stride, 64 // stride)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_any_size_is_brought_to_the_side():
    network = NetworkFeatures(Pyramid(), side=32)
    assert (network.channels, network.strides) == ((6, 8), (2, 4))
    for size in (16, 32, 64):
        assert [tuple(x.shape) for x in network(torch.rand(1, 3, size, size))] == [(1, 6, 16, 16), (1, 8, 8, 8)]


def test_maps_that_do_not_halve_are_refused():
    with pytest.raises(ValueError, match="half the side"):
        NetworkFeatures(Pyramid(stride=4), side=32)


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match="features"):
        ProjectedDiscriminator(ResidualDiscriminator(16, {4: 8, 8: 8, 16: 6}), Pyramid())
    assert issubclass(MobileNetFeatures, Features)
