import math

import pytest
import torch
import torch.nn.functional as F

from deepanon.models import (
    GENERATORS,
    DeepPrivacyDiscriminator,
    DeepPrivacyGenerator,
    Generator,
    LeanGenerator,
    ModulatedGenerator,
    ResidualDiscriminator,
    build_generator,
)
from deepanon.models.layers import EqualizedConv2d, EqualizedLinear, PixelNorm, ResidualDown, keypoint_maps
from deepanon.models.modulated_generator import ModulatedConv2d
from deepanon.models.residual_discriminator import minibatch_deviation

WIDTHS = {4: 16, 8: 12, 16: 8, 32: 6}
K = 5
FAMILIES = {
    "deepprivacy": (DeepPrivacyGenerator, DeepPrivacyDiscriminator),
    "modern": (ModulatedGenerator, ResidualDiscriminator),
    "lean": (LeanGenerator, ResidualDiscriminator),
}
POINTED = {  # layers whose last input channels are keypoint maps
    "deepprivacy": [lambda g, r=r: g.decoder[r][0][0] for r in ("8", "16", "32")],
    "modulated": [lambda g: g.core, lambda g: g.start.first.conv]
    + [lambda g, r=r: g.decoder[r].first.conv for r in ("8", "16", "32")],
}
POINTED["lean"] = POINTED["modulated"]


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def tiny(family):
    def build(**changes):
        torch.manual_seed(0)
        return family[0](32, WIDTHS, **changes)

    return build


@pytest.fixture
def critic(family):
    def build(**changes):
        torch.manual_seed(1)
        return family[1](32, WIDTHS, **changes)

    return build


def inputs(n=3, size=32, noise=32, seed=0):
    rng = torch.Generator().manual_seed(seed)
    context = torch.rand(n, 3, size, size, generator=rng) * 2 - 1
    mask = torch.zeros(n, 1, size, size)
    mask[:, :, size // 4 : -size // 4, size // 4 : -size // 8] = 1
    context = torch.where(mask > 0, 0.0039, context)
    return context, mask, torch.rand(n, K, 2, generator=rng), torch.randn(n, noise, 4, 4, generator=rng)


def test_generator_at_alpha_0_is_what_it_was_before_it_grew(tiny):
    network = tiny(composite=False)
    context, mask, points, z = inputs()
    grown = network(context, mask, points, z, alpha=0.0)
    before = network(F.avg_pool2d(context, 2), F.avg_pool2d(mask, 2), points, z)
    smooth = {} if network.architecture == "deepprivacy" else {"mode": "bilinear", "align_corners": False}
    torch.testing.assert_close(grown, F.interpolate(before, scale_factor=2, **smooth), atol=1e-5, rtol=0)


def test_discriminator_at_alpha_0_is_what_it_was_before_it_grew(critic):
    network = critic()
    context, mask, points, _ = inputs()
    image = torch.randn_like(context)
    before = network(*(F.avg_pool2d(x, 2) for x in (image, context, mask)), points)
    torch.testing.assert_close(network(image, context, mask, points, alpha=0.0), before, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [16, 32])
def test_alpha_goes_from_the_old_to_the_new_without_a_jump(size, tiny, critic):
    context, mask, points, z = inputs(size=size)
    image = torch.randn_like(context)
    for draw in (
        lambda alpha: tiny()(context, mask, points, z, alpha=alpha),
        lambda alpha: critic()(image, context, mask, points, alpha=alpha),
    ):
        old, almost, new = draw(0.0), draw(1 - 1e-7), draw(1.0)
        torch.testing.assert_close(almost, new, atol=1e-4, rtol=0)
        assert (old - new).abs().max() > 1e-2


@pytest.mark.parametrize("size", [8, 16, 32])
def test_layers_above_the_current_size_are_not_used(tiny, critic, size):
    context, mask, points, z = inputs(size=size)
    for network in (tiny(), critic()):
        seen = (context, mask, points, z) if isinstance(network, Generator) else (context, context, mask, points)
        network(*seen).sum().backward()
        used = {name for name, p in network.named_parameters() if p.grad is not None}
        above = [r for r in (8, 16, 32) if r > size]
        assert not any(f".{r}." in name for name in used for r in above)
        assert f"from_rgb.{size}.weight" in used
        expected = {name for name, _ in network.named_parameters() if not any(f".{r}." in name for r in above)}
        heads = ("from_rgb",) if isinstance(network, ModulatedGenerator) else ("from_rgb", "to_rgb")
        assert expected - used == {
            f"{head}.{r}.{part}"
            for head in heads if hasattr(network, head)
            for r in (8, 16, 32) if r < size
            for part in ("weight", "bias")
        }  # fmt: skip


def test_keypoints_condition_every_level(tiny, critic):
    """Every layer that a map is concatenated to has weights for it, and they learn."""
    context, mask, points, z = inputs(n=8)
    generator, discriminator = tiny(), critic()
    discriminator(generator(context, mask, points, z), context, mask, points).sum().backward()
    places = [(at(generator), range(-K, 0)) for at in POINTED[generator.architecture]]
    if isinstance(generator, DeepPrivacyGenerator):
        places.append((generator.bottleneck[0][0], range(16, 16 + K)))
        places += [(discriminator.blocks[str(r)][0][0], range(-K, 0)) for r in (8, 16, 32)]
        places.append((discriminator.last[0][0], range(-K, 0)))
    else:
        places += [(discriminator.blocks[str(r)].first, range(-K, 0)) for r in (8, 16, 32)]
        places.append((discriminator.last[0], range(16, 16 + K)))
    for conv, channels in places:
        assert (conv.weight.grad[:, list(channels)].abs().amax((0, 2, 3)) > 0).all()


def test_composite_keeps_known_pixels_exactly(tiny):
    context, mask, points, z = inputs()
    drawn = tiny(composite=True)(context, mask, points, z)
    known = (mask == 0).expand_as(drawn)
    assert torch.equal(drawn[known], context[known])
    assert not torch.equal(tiny(composite=False)(context, mask, points, z)[known], context[known])
    torch.testing.assert_close(drawn[~known], tiny(composite=False)(context, mask, points, z)[~known])


def test_noise_and_keypoints_change_the_hole_and_only_the_hole(tiny):
    network, (context, mask, points, z) = tiny(), inputs()
    first = network(context, mask, points, z)
    for changed in (network(context, mask, points, z + 1), network(context, mask, 1 - points, z)):
        difference = (first - changed).abs() * torch.ones(3, 1, 1)
        assert difference[(mask == 0).expand_as(difference)].max() == 0
        assert (difference.flatten(1).amax(1) > 1e-3).all()


def test_a_face_does_not_depend_on_its_batch(tiny, critic):
    network, (context, mask, points, z) = tiny(), inputs(n=7)
    critical = critic() if isinstance(network, DeepPrivacyGenerator) else critic(group=1)
    together = network(context, mask, points, z)
    scores = critical(together, context, mask, points)
    for i in range(7):
        one = slice(i, i + 1)
        alone = network(context[one], mask[one], points[one], z[one])
        torch.testing.assert_close(alone, together[one], atol=2e-4, rtol=0)
        torch.testing.assert_close(
            critical(alone, context[one], mask[one], points[one]), scores[one], atol=1e-3, rtol=1e-3
        )


def test_mask_channel_is_seen_only_where_there_is_one(tiny, critic):
    context, mask, points, z = inputs()
    for with_mask in (True, False):
        network = tiny(mask_channel=with_mask, composite=False)
        same = torch.equal(network(context, mask, points, z), network(context, 1 - mask, points, z))
        critical = critic(mask_channel=with_mask)
        same_score = torch.equal(critical(context, context, mask, points), critical(context, context, 1 - mask, points))
        assert same == same_score == (not with_mask)


def test_keypoint_maps_mark_one_cell():
    points = torch.tensor([[[0.0, 0.0], [0.99, 0.26], [0.5, 0.749], [0.25, 0.9999999]]])
    maps = keypoint_maps(points, 4)
    assert maps.shape == (1, 4, 4, 4)
    assert [tuple(m.nonzero()[0].tolist()) for m in maps[0]] == [(0, 0), (1, 3), (2, 2), (3, 1)]  # row, column
    assert maps.sum() == 4


@pytest.mark.parametrize(
    "point", [(1.0, 0.5), (0.5, 1.0), (-1e-6, 0.5), (math.nan, 0.5), (0.5, math.nan), (math.inf, 0)]
)
def test_keypoints_outside_or_unknown_leave_no_mark(point):
    maps = keypoint_maps(torch.tensor([[point, (0.5, 0.5)]]), 8)
    assert maps[0, 0].sum() == 0
    assert maps[0, 1, 4, 4] == 1


def test_keypoint_maps_lie_in_memory_as_what_they_join():
    """Otherwise every convolution behind them reorders its input: a quarter of a training step on a processor."""
    features = torch.zeros(2, 3, 8, 8).to(memory_format=torch.channels_last)
    joined = torch.cat([features, keypoint_maps(torch.rand(2, 5, 2), 8)], 1)
    assert joined.is_contiguous(memory_format=torch.channels_last)


def test_keypoint_maps_for_any_size_and_edge_value():
    below_one = torch.nextafter(torch.tensor(1.0), torch.tensor(0.0))
    for size in (4, 8, 16, 32, 64, 128):
        maps = keypoint_maps(torch.stack([below_one, below_one]).view(1, 1, 2), size)
        assert maps[0, 0, -1, -1] == 1


def test_unknown_keypoints_do_not_spoil_the_drawing(tiny):
    context, mask, points, z = inputs()
    assert torch.isfinite(tiny()(context, mask, torch.full_like(points, math.nan), z)).all()


def test_kwargs_rebuild_the_network(tiny):
    network = tiny(keypoints=7, noise=3, mask_channel=False)
    again = build_generator(network.architecture, **network.kwargs)
    again.load_state_dict(network.state_dict())
    assert (type(again), again.kwargs) == (type(network), network.kwargs)
    assert type(network)(32, {str(r): w for r, w in WIDTHS.items()}).widths == WIDTHS  # as JSON has it
    assert type(network)(16, WIDTHS).widths == {4: 16, 8: 12, 16: 8}  # larger sizes are not needed


def test_every_architecture_has_its_name():
    assert {name: kind.architecture for name, kind in GENERATORS.items()} == {name: name for name in GENERATORS}
    with pytest.raises(ValueError, match="unknown generator architecture 'unet'; known: deepprivacy, modulated, lean"):
        build_generator("unet", resolution=8)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_shrunk_draws_what_the_whole_network_drew_at_that_size(size, tiny):
    network, given = tiny(), inputs(size=size)
    small = network.shrunk(size)
    assert small.resolution == size
    assert torch.equal(small(*given), network(*given))
    next(small.core.parameters()).data.zero_()  # a copy
    assert not torch.equal(small(*given), network(*given))


@pytest.mark.parametrize("size", [4, 12, 24, 64])
def test_crops_of_another_size_are_refused(size, tiny, critic):
    context, mask, points, z = inputs(size=size)
    with pytest.raises(ValueError, match=rf"generator: crop size must be one of \[8, 16, 32\], got {size}"):
        tiny()(context, mask, points, z)
    with pytest.raises(ValueError, match=f"discriminator: crop size must be one of .* got {size}"):
        critic()(context, context, mask, points)


def test_other_wrong_shapes_are_refused(tiny):
    context, mask, points, z = inputs()
    for wrong in (
        (context, mask, points[:, :3], z),
        (context, mask, points, z[:, :5]),
        (context, mask, points[:1], z),
        (context[..., :16, :], mask[..., :16, :], points, z),
    ):
        with pytest.raises(RuntimeError):
            tiny()(*wrong)


def test_smallest_size_cannot_fade(tiny, critic):
    context, mask, points, z = inputs(size=8)
    with pytest.raises(ValueError, match="alpha must be 1"):
        tiny()(context, mask, points, z, alpha=0.5)
    with pytest.raises(ValueError, match="alpha must be 1"):
        critic()(context, context, mask, points, alpha=0.5)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"widths": {4: 16, 8: 12, 16: 8}}, ValueError, r"each of \[4, 8, 16, 32\], got \{4: 16, 8: 12, 16: 8\}"),
        ({"widths": WIDTHS | {24: 3}}, ValueError, r"each of \[4, 8, 16, 32\]"),
        ({"widths": WIDTHS | {"a": 1}}, ValueError, "each of"),
        ({"widths": WIDTHS | {8: 0}}, ValueError, r"widths\[8\] must be positive"),
        ({"widths": WIDTHS | {8: "x"}}, TypeError, r"widths\[8\] must be a whole number, got 'x'"),
        ({"widths": WIDTHS | {8: 1.5}}, TypeError, "whole number"),
        ({"widths": [16, 12, 8, 6]}, TypeError, "widths must map resolutions"),
        ({"widths": None}, TypeError, "widths must map resolutions"),
        ({"resolution": 48}, ValueError, "power of two >= 8, got 48"),
        ({"resolution": 4}, ValueError, "power of two >= 8, got 4"),
        ({"resolution": "big"}, TypeError, "resolution must be a whole number, got 'big'"),
        ({"keypoints": "five"}, TypeError, "keypoints must be a whole number"),
        ({"keypoints": 0}, ValueError, "keypoints must be positive"),
    ],
)
@pytest.mark.parametrize("network", [network for pair in FAMILIES.values() for network in pair])
def test_wrong_arguments_are_named(network, changes, error, message):
    with pytest.raises(error, match=message):
        network(**{"resolution": 32, "widths": WIDTHS} | changes)


def test_equalised_layers_scale_at_run_time():
    x = torch.randn(2, 6, 5, 5)
    conv, linear = EqualizedConv2d(6, 4, 3), EqualizedLinear(6, 2)
    expected = F.conv2d(x, conv.weight, padding=1) * math.sqrt(2 / 54)
    torch.testing.assert_close(conv(x), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(linear(x[:, :, 0, 0]), x[:, :, 0, 0] @ linear.weight.T * math.sqrt(2 / 6))
    assert not conv.bias.any()


def test_pixel_norm_gives_every_pixel_unit_mean_square():
    x = torch.randn(2, 8, 3, 3) * 100
    torch.testing.assert_close(PixelNorm()(x).square().mean(1), torch.ones(2, 3, 3))
    assert torch.isfinite(PixelNorm()(torch.full((1, 8, 1, 1), 6e4, dtype=torch.half))).all()
    assert PixelNorm()(torch.zeros(1, 8, 1, 1)).abs().max() == 0


def test_modulated_convolution_is_stylegans():
    """Scaling input and output is the same as a convolution a sample with modulated, demodulated weights."""
    layer, x, style = ModulatedConv2d(6, 4, 8), torch.randn(3, 6, 5, 5), torch.randn(3, 8)
    layer.conv.bias.data.normal_()
    for i in range(3):
        w = layer.conv.weight * layer.scale(style)[i][None, :, None, None]
        w = w / (w.square().sum((1, 2, 3), keepdim=True) + 1e-8 / layer.conv.scale**2).sqrt()
        expected = F.conv2d(x[i : i + 1], w, padding=1) * math.sqrt(2) + layer.conv.bias[:, None, None]
        torch.testing.assert_close(layer(x, style)[i : i + 1], expected, atol=1e-4, rtol=1e-4)


def test_minibatch_deviation_is_of_each_group():
    x = torch.randn(8, 3, 4, 4)
    spread = minibatch_deviation(x, 4)
    assert spread.shape == (8, 1, 4, 4)
    for start in (0, 4):
        expected = x[start : start + 4].std(0, unbiased=False).mean()
        torch.testing.assert_close(spread[start : start + 4], expected.expand(4, 1, 4, 4), atol=1e-4, rtol=1e-4)
    assert minibatch_deviation(x[:1].expand(4, 3, 4, 4), 4).max() < 1e-3  # all alike: no spread
    torch.testing.assert_close(minibatch_deviation(x[:3], 4)[0, 0, 0, 0], x[:3].std(0, unbiased=False).mean())
    with pytest.raises(ValueError, match="a batch of 6 cannot be cut into groups of 4"):
        minibatch_deviation(x[:6], 4)


def test_residual_block_halves():
    assert ResidualDown(5, 6, 7)(torch.randn(2, 5, 8, 8)).shape == (2, 7, 4, 4)


@pytest.mark.parametrize("kind", [ModulatedGenerator, LeanGenerator])
def test_noise_reaches_every_layer_of_the_modern_decoder(kind):
    network, (_, _, points, z) = kind(32, WIDTHS), inputs()
    z.requires_grad_(True)
    for r in (8, 16, 32):
        style = network._style(torch.randn(3, 16, 4, 4), points, z)
        drawn, seen = torch.randn(3, WIDTHS[r // 2], r // 2, r // 2), torch.randn(3, WIDTHS[r], r, r)
        x = network.decoder[str(r)](drawn, seen, points, style)
        (gradient,) = torch.autograd.grad(x.square().sum() + x[:, 0].sum(), z)
        assert gradient.abs().max() > 0
