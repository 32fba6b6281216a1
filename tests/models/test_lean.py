import pytest
import torch

from deepanon.detections import FIVE
from deepanon.models import DeepPrivacyDiscriminator, Growth, LeanGenerator, PatchDiscriminator, Phase, build_generator
from deepanon.training import GANTrainer
from deepanon.weights import LoadedGenerator, load_generator, save_generator

WIDTHS = {4: 16, 8: 12, 16: 8, 32: 6}
K = 5


def generator(resolution=32, patch=2, **changes):
    torch.manual_seed(0)
    return LeanGenerator(resolution, WIDTHS, patch=patch, **changes)


def critic(resolution=32, patch=2, **changes):
    torch.manual_seed(1)
    return PatchDiscriminator(resolution, WIDTHS, patch=patch, **changes)


def inputs(n=4, size=32, seed=0):
    rng = torch.Generator().manual_seed(seed)
    mask = torch.zeros(n, 1, size, size)
    mask[:, :, size // 4 : -size // 4, size // 4 : -size // 8] = 1
    context = torch.where(mask > 0, 0.0039, torch.rand(n, 3, size, size, generator=rng) * 2 - 1)
    return context, mask, torch.rand(n, K, 2, generator=rng), torch.randn(n, 32, 4, 4, generator=rng)


@pytest.mark.parametrize(("resolution", "patch"), [(8, 1), (32, 1), (32, 2), (32, 4), (64, 2)])
def test_draws_and_judges_whole_crops(resolution, patch):
    given = inputs(size=resolution)
    drawn = generator(resolution, patch)(*given)
    assert drawn.shape == (4, 3, resolution, resolution)
    known = (given[1] == 0).expand_as(drawn)
    assert torch.equal(drawn[known], given[0][known])
    hole = drawn[~known].view(4, -1)
    assert hole.std(1).min() > 0
    scores = critic(resolution, patch)(drawn, *given[:3])
    assert scores.shape == (4,)
    scores.sum().backward()


@pytest.mark.parametrize("what", range(4))
def test_everything_that_is_given_changes_what_is_drawn(what):
    network, given = generator(composite=False), list(inputs())
    before = network(*given)
    given[what] = given[what].flip(0) if what != 1 else 1 - given[what]
    assert (network(*given) - before).abs().amax((1, 2, 3)).min() > 1e-4


@pytest.mark.parametrize("what", range(4))
def test_everything_that_is_given_changes_the_score(what):
    network, (context, mask, points, _) = critic(group=1), inputs()
    given = [torch.rand_like(context), context, mask, points]
    before = network(*given)
    given[what] = given[what].flip(0) if what != 2 else 1 - given[what]
    assert (network(*given) - before).abs().min() > 1e-6


def test_every_weight_learns():
    given = inputs(n=8)
    network, judge = generator(), critic()
    judge(network(*given), *given[:3]).square().sum().backward()
    for part in (network, judge):
        still = [name for name, p in part.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        assert not still


def test_noise_reaches_every_layer_of_the_decoder():
    network, (_, _, points, z) = generator(), inputs()
    z.requires_grad_(True)
    for r in (8, 16):
        style = network.style(torch.randn(4, 16, 4, 4), points, z)
        drawn, seen = torch.randn(4, WIDTHS[r // 2] + K, r // 2, r // 2), torch.randn(4, WIDTHS[r], r, r)
        x = network.decoder[str(r)](drawn, seen, style)
        (gradient,) = torch.autograd.grad(x.square().sum() + x[:, 0].sum(), z)
        assert gradient.abs().max() > 0


def test_faces_do_not_see_each_other():
    network, given = generator(), inputs()
    together = network(*given)
    for i in range(4):
        torch.testing.assert_close(network(*(x[i : i + 1] for x in given))[0], together[i], atol=1e-5, rtol=1e-4)


def test_the_judge_sees_the_spread_of_a_group():
    context, mask, points, _ = inputs()
    image = torch.rand_like(context)
    alone = critic()(image[:1], context[:1], mask[:1], points[:1])
    among = critic()(image, context, mask, points)[:1]
    assert (alone - among).abs() > 1e-6


@pytest.mark.parametrize("size", [16, 64])
def test_it_does_not_grow(size):
    context, mask, points, z = inputs(size=size)
    with pytest.raises(ValueError, match=rf"generator: crop size must be one of \[32\], got {size}"):
        generator()(context, mask, points, z)
    with pytest.raises(ValueError, match=rf"discriminator: crop size must be one of \[32\], got {size}"):
        critic()(context, context, mask, points)
    given = inputs()
    with pytest.raises(ValueError, match="does not grow"):
        generator()(*given, alpha=0.5)


def test_a_schedule_that_grows_is_refused_before_training():
    growth = Growth([Phase(16, 4, 0, 8), Phase(32, 4, 8, 8)])
    with pytest.raises(ValueError, match="generator does not grow, but growth begins at 16 px"):
        GANTrainer(generator(), DeepPrivacyDiscriminator(32, WIDTHS), growth)
    with pytest.raises(ValueError, match="discriminator does not grow, but growth begins at 16 px"):
        GANTrainer(build_generator("modulated", resolution=32, widths=WIDTHS), critic(), growth)


@pytest.mark.parametrize("patch", [3, 8, 0])
def test_impossible_patches_are_refused(patch):
    for build in (generator, critic):
        with pytest.raises(ValueError, match="patch must be"):
            build(patch=patch)


def test_a_file_gives_back_what_was_stored(tmp_path):
    network = generator(64, 4, mask_channel=True).eval()
    save_generator(tmp_path / "lean.safetensors", LoadedGenerator(network, FIVE, pose_free=True))
    loaded = load_generator(tmp_path / "lean.safetensors").network
    assert (type(loaded), loaded.patch, loaded.kwargs) == (LeanGenerator, 4, network.kwargs)
    given = inputs(size=64)
    with torch.no_grad():
        torch.testing.assert_close(loaded(*given), network(*given), atol=2e-2, rtol=0)
