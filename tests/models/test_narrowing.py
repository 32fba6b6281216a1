import pytest
import torch

from deepanon.models import build_generator
from deepanon.models.narrowing import narrow

WIDTHS, HALF = {4: 8, 8: 8, 16: 4}, {4: 4, 8: 4, 16: 2}
FAMILIES = "modulated", "lean"


def built(architecture, widths=WIDTHS):
    torch.manual_seed(0)
    return build_generator(architecture, resolution=16, widths=widths, keypoints=5, noise=3)


def inputs(n=2):
    rng = torch.Generator().manual_seed(1)
    context, mask = torch.rand(n, 3, 16, 16, generator=rng) * 2 - 1, torch.zeros(n, 1, 16, 16)
    mask[..., 4:12, 4:12] = 1
    z = torch.randn(n, 3, 4, 4, generator=rng)
    return context * (1 - mask), mask, torch.rand(n, 5, 2, generator=rng), z


@pytest.mark.parametrize("architecture", FAMILIES)
def test_all_channels_are_the_network_itself(architecture):
    network = built(architecture)
    same = narrow(network, WIDTHS)
    assert torch.equal(same(*inputs()), network(*inputs()))
    same.core.bias.data += 1
    assert not torch.equal(same.core.bias, network.core.bias)  # a copy


@pytest.mark.parametrize("architecture", FAMILIES)
def test_the_strongest_channels_stay_in_every_layer(architecture):
    wide, narrower = built(architecture), built(architecture, HALF)
    rng = torch.Generator().manual_seed(2)
    kept = {r: torch.randperm(WIDTHS[r], generator=rng)[: HALF[r]].sort().values for r in WIDTHS}
    for r, block in wide.to_rgb.items():
        block.weight.data[:, kept[int(r)]] += 10
    got = narrow(wide, HALF)
    assert got.kwargs == narrower.kwargs
    top = "16"
    assert torch.equal(got.from_rgb[top].weight, wide.from_rgb[top].weight[kept[16]])
    assert torch.equal(got.to_rgb[top].weight, wide.to_rgb[top].weight[:, kept[16]])
    assert torch.equal(got.encoder[top].first.weight, wide.encoder[top].first.weight[kept[16]][:, kept[16]])
    points = torch.arange(WIDTHS[4], WIDTHS[4] + 5)  # the maps of keypoints come last, and all stay
    assert torch.equal(got.core.weight, wide.core.weight[kept[4]][:, torch.cat([kept[4], points])])
    cells = (kept[4][:, None] * 16 + torch.arange(16)).flatten()
    seen = torch.cat([cells, torch.arange(16 * WIDTHS[4], 16 * WIDTHS[4] + 15)])
    assert torch.equal(got.seen_style[0].weight, wide.seen_style[0].weight[:, seen])
    assert got(*inputs()).shape == (2, 3, 16, 16)


@pytest.mark.parametrize("architecture", FAMILIES)
def test_noise_is_heard_as_before(architecture):
    network = built(architecture)
    small = narrow(network, HALF)
    for name, value in network.noise_style.state_dict().items():
        assert torch.equal(small.noise_style.state_dict()[name], value)


def test_what_cannot_be_narrowed_is_said():
    paper = build_generator("deepprivacy", resolution=16, widths=WIDTHS)
    with pytest.raises(ValueError, match="only lean and modulated generators can be narrowed, not 'deepprivacy'"):
        narrow(paper, HALF)
    with pytest.raises(ValueError, match="no 9 channels can be kept at 8 px, where there are 8"):
        narrow(built("lean"), {4: 8, 8: 9, 16: 4})
