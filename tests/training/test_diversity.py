import warnings

import lightning as L
import pytest
import torch
import torch.nn.functional as F

from deepanon.data.crops import PackedCrops
from deepanon.models import Growth, LeanGenerator, NonSaturating, Phase, ResidualDiscriminator
from deepanon.training import Diversity, FaceData, GANTrainer

MASK = torch.zeros(2, 1, 32, 32)
MASK[..., 8:24, 8:24] = 1


def halves(level):
    """A picture whose left half is lighter and whose right half is darker."""
    sign = torch.where(torch.arange(32) < 16, 1.0, -1.0)
    return (level * sign).expand(2, 3, 32, 32)


def test_equal_drawings_cost_the_weight_and_different_ones_nothing():
    how, one = Diversity(weight=2.0, enough=0.25, every=4), torch.rand(2, 3, 32, 32)
    assert how.loss(one, one.clone(), MASK) == 8  # what the batches between would have added as well
    assert how.loss(one, one + halves(0.3), MASK) == 0
    assert how.loss(one, one + halves(0.125), MASK) == pytest.approx(4, rel=1e-4)


def test_only_what_is_hidden_counts():
    how, one = Diversity(), torch.rand(2, 3, 32, 32)
    assert how.apart(one, one + halves(0.5) * (1 - MASK), MASK).max() < 1e-6
    assert how.apart(one, one - halves(0.5) * MASK, MASK).tolist() == pytest.approx([0.5, 0.5])


def test_neither_light_nor_noise_of_single_pixels_counts():
    how, one = Diversity(cells=8), torch.rand(2, 3, 32, 32)
    assert how.apart(one, one + torch.tensor([0.5, -0.2, 0.1])[:, None, None], MASK).max() < 1e-6
    board = ((torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2 - 1).float().expand(2, 3, 32, 32)
    assert how.apart(one, one + board, MASK).max() < 1e-6
    large = F.interpolate(torch.randn(2, 3, 4, 4), scale_factor=8)
    assert how.apart(one, one + large, MASK).min() > 0.3


def test_it_pushes_drawings_apart():
    one = torch.zeros(2, 3, 32, 32, requires_grad=True)
    other = halves(0.1)
    Diversity().loss(one, other, MASK).backward()
    moved = (one - 0.01 * one.grad.sign()).detach()
    assert Diversity().apart(moved, other, MASK).min() > Diversity().apart(one, other, MASK).max()


@pytest.mark.parametrize("wrong", [{"weight": -1}, {"enough": 0}, {"cells": 0}, {"every": 0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=f"diversity: {next(iter(wrong))}"):
        Diversity(**wrong)


def train(module, packed):
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, FaceData(PackedCrops(packed, "train", 16), PackedCrops(packed, "val", 16)))


def test_a_generator_that_ignores_its_noise_learns_to_heed_it(packed):
    """Some steps with and without, from the same weights that ignore z."""
    apart = {}
    for diversity in (None, Diversity(weight=5.0, every=1)):
        torch.manual_seed(0)
        generator = LeanGenerator(16, {4: 8, 8: 8, 16: 8})
        for parameter in generator.noise_style.parameters():
            parameter.data *= 0.03
        networks = generator, ResidualDiscriminator(16, {4: 8, 8: 8, 16: 8})
        module = GANTrainer(*networks, Growth([Phase(16, 8, 0, 160)]), NonSaturating(), lr=0.005, diversity=diversity)
        train(module, packed)
        given = torch.zeros(4, 3, 16, 16), torch.ones(4, 1, 16, 16), torch.full((4, 5, 2), 0.5)
        with torch.no_grad():
            one, other = (module.generator(*given, torch.randn(4, 32, 4, 4)) for _ in range(2))
        apart[diversity is not None] = Diversity().apart(one, other, given[1]).mean()
    assert apart[True] > 2 * apart[False]
