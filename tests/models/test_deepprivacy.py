"""The paper's networks, layer by layer, as `model=deepprivacy` and `model=deepprivacy_large` build them."""

from pathlib import Path

import pytest
import torch

from deepanon.models.layers import EqualizedConv2d, EqualizedLinear

hydra = pytest.importorskip("hydra")
CONFIGS = str(Path(__file__).parents[2] / "configs")
K, Z = 7, 32


def build(model):
    """(generator, discriminator) without memory behind them."""
    from hydra.utils import instantiate

    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        config = hydra.compose("train", [f"model={model}", "keypoints=7", "schema=coco7", "data.root=x"])
    with torch.device("meta"):
        return instantiate(config.model.generator), instantiate(config.model.discriminator)


def layers(module):
    """(in, out, kernel) of every layer with weights, in order."""
    found = [m for m in module.modules() if isinstance(m, EqualizedConv2d | EqualizedLinear)]
    return [(m.weight.shape[1], m.weight.shape[0], m.weight.shape[2] if m.weight.ndim == 4 else 1) for m in found]


def parameters(network, *heads):
    """Parameters when, as in the paper, only the top resolution has its way from and to RGB."""
    unused = tuple(f"{head}.{r}." for head in heads for r in (8, 16, 32, 64))
    return sum(p.numel() for name, p in network.named_parameters() if not name.startswith(unused))


@pytest.mark.parametrize(
    ("model", "generator", "discriminator"),
    [
        ("deepprivacy", 11_743_811, 11_408_521),  # published: 11.74 M, 11.41 M
        ("deepprivacy_large", 46_924_931, 45_526_361),  # 46.92 M, 45.53 M
        ("deepprivacy_deep", 11_743_811, 11_169_857),  # 11.17 M
    ],
)
def test_parameters_are_as_published(model, generator, discriminator):
    g, d = build(model)
    assert parameters(g, "from_rgb", "to_rgb") == generator
    assert parameters(d, "from_rgb") == discriminator


@pytest.mark.parametrize(("model", "s"), [("deepprivacy", 256), ("deepprivacy_large", 512)])
def test_generator_is_the_papers_layer_by_layer(model, s):
    g, _ = build(model)
    c = {4: s, 8: s, 16: s, 32: s, 64: s // 2, 128: s // 4}
    for r in (8, 16, 32, 64, 128):
        half = c[r // 2]
        assert layers(g.from_rgb[str(r)]) == [(3, c[r], 1)]  # picture only: no mask
        assert layers(g.encoder[str(r)]) == [(c[r], half, 3), (half, half, 3)]
        assert layers(g.decoder[str(r)]) == [(2 * half + K, half, 1), (half, c[r], 3), (c[r], c[r], 3)]
        assert layers(g.to_rgb[str(r)]) == [(c[r], 3, 1)]
    assert layers(g.core) == [(s, s, 3), (s, s, 3)]
    assert layers(g.bottleneck) == [(s + K + Z, s, 1), (s, s, 3), (s, s, 3)]


@pytest.mark.parametrize(
    ("model", "c"),
    [
        ("deepprivacy", {4: 360, 8: 360, 16: 360, 32: 360, 64: 176, 128: 88}),
        ("deepprivacy_large", {4: 720, 8: 720, 16: 720, 32: 720, 64: 360, 128: 176}),
    ],
)
def test_discriminator_is_the_papers_layer_by_layer(model, c):
    _, d = build(model)
    for r in (8, 16, 32, 64, 128):
        assert layers(d.from_rgb[str(r)]) == [(6, c[r], 1)]
        assert layers(d.blocks[str(r)]) == [(c[r] + K, c[r], 3), (c[r], c[r // 2], 3)]
    assert layers(d.last) == [(c[4] + K, c[4], 3), (c[4], c[4], 4)]
    assert layers(d.score) == [(c[4], 1, 1)]


def test_deep_discriminator_layer_by_layer():
    _, d = build("deepprivacy_deep")
    c = {4: 256, 8: 256, 16: 256, 32: 256, 64: 128, 128: 64}
    for r in (8, 16, 32, 64, 128):
        assert layers(d.blocks[str(r)]) == [(c[r] + K, c[r], 1), *[(c[r], c[r], 3)] * 4, (c[r], c[r // 2], 1)]
    assert layers(d.last) == [(c[4] + K, c[4], 1), *[(c[4], c[4], 3)] * 3, (c[4], c[4], 4)]


def test_deep_blocks_halve_the_sum_with_their_shortcut():
    from deepanon.models import DeepPrivacyDiscriminator

    d = DeepPrivacyDiscriminator(8, {4: 4, 8: 4}, deep=True)
    shortcut, x = d.blocks["8"][1], torch.randn(2, 4, 8, 8)
    inside = x
    for unit in shortcut:
        inside = unit(inside)
    torch.testing.assert_close(shortcut(x), (x + inside) / 2)


def test_schedule_is_the_papers():
    from hydra.utils import instantiate

    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        config = hydra.compose("train", ["experiment=isvc2019", "data.root=x"])
    growth = instantiate(config.model.growth, _convert_="all")
    million = 1_000_000
    stands = {
        0: (8, 1),
        1.2: (16, 0),
        1.8: (16, 0.5),
        2.4: (16, 1),
        3.6: (32, 0),
        6: (64, 0),
        8.4: (128, 0),
        9.6: (128, 1),
    }
    for images, (resolution, alpha) in stands.items():
        state = growth.at(round(images * million))
        assert (state.resolution, state.alpha) == (resolution, pytest.approx(alpha))
    assert [phase.batch_size for phase in growth.phases] == [256, 256, 128, 96, 64]
    assert config.model.augmentation == {
        "_target_": "deepanon.training.Augmentation", "flip": 0.5, "flip_swaps": True, "box_jitter": 0.02,
        "keypoint_dropout": 0.0, "second_hole": 0.0, "whole_crop": 0.0,
    }  # fmt: skip
    names = (
        "lr",
        "betas",
        "ema_half_life",
        "discriminator_steps",
        "reconstruction_weight",
        "diffaugment",
        "ema_rampup",
    )
    assert [config.model[name] for name in names] == [0.00175, [0.0, 0.99], 10_000, 1, 0.0, None, None]
    assert config.model.objective == {
        "_target_": "deepanon.models.WassersteinGP", "penalty_weight": 10.0, "drift_weight": 0.001, "masked": False
    }  # fmt: skip
    assert (config.schema, config.keypoints) == ("coco7", 7)


def test_trainer_defaults_are_the_papers():
    from deepanon.models import DeepPrivacyDiscriminator, DeepPrivacyGenerator, Growth, Phase, WassersteinGP
    from deepanon.training import GANTrainer

    widths = {4: 4, 8: 4}
    module = GANTrainer(
        DeepPrivacyGenerator(8, widths), DeepPrivacyDiscriminator(8, widths), Growth([Phase(8, 4, 0, 4)])
    )
    assert (module.lr, module.betas, module.ema_half_life) == (0.00175, (0.0, 0.99), 10_000)
    assert (module.reconstruction_weight, module.warmup_images, module.discriminator_steps) == (0, 0, 1)
    assert module.gradient_clip is module.diffaugment is None
    assert isinstance(module.objective, WassersteinGP)
    assert (module.objective.penalty_weight, module.objective.drift_weight, module.objective.masked) == (
        10,
        0.001,
        False,
    )
