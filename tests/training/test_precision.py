"""Half precision and compiled networks: faster ways to the same training."""

import warnings

import lightning as L
import pytest
import torch
from torch.utils.data import DataLoader

from deepanon.data.batch import FaceBatch, as_is
from deepanon.errors import OptionError
from deepanon.models import (
    DeepPrivacyDiscriminator,
    DeepPrivacyGenerator,
    Growth,
    ModulatedGenerator,
    NonSaturating,
    Phase,
    ResidualDiscriminator,
    WassersteinGP,
)
from deepanon.models.losses import zero_centred_penalty
from deepanon.training import DiffAugment, GANTrainer
from deepanon.training.checks import check_precision

WIDTHS = {4: 8, 8: 8, 16: 4}
PAIRS = {
    "deepprivacy": (DeepPrivacyGenerator, DeepPrivacyDiscriminator, WassersteinGP, {}, None),
    "modern": (ModulatedGenerator, ResidualDiscriminator, NonSaturating, {"every": 2}, DiffAugment()),
}


def build(pair, phases, watch=None, **options):
    """A small trainer; `watch(judge, exact, real)` is called before each of the discriminator's losses."""
    generator, discriminator, objective, settings, diffaugment = PAIRS[pair]

    class Watched(objective):
        def discriminator(self, judge, exact, real, *rest):
            if watch:
                watch(judge, exact, real)
            return super().discriminator(judge, exact, real, *rest)

    torch.manual_seed(0)
    networks = generator(16, WIDTHS), discriminator(16, WIDTHS)
    return GANTrainer(*networks, Growth(phases), Watched(**settings), diffaugment=diffaugment, **options)


def batches(count, size=4):
    for number in range(count):
        rng = torch.Generator().manual_seed(number)
        images = torch.randint(0, 256, (size, 3, 16, 16), generator=rng, dtype=torch.uint8)
        low = torch.rand(size, 2, generator=rng) * 0.3
        yield FaceBatch(images, torch.cat([low, low + 0.5], 1), torch.rand(size, 5, 2, generator=rng))


class Keep(L.Callback):
    def __init__(self):
        self.steps, self.graphs, self.fades = [], [], []

    def on_train_batch_start(self, trainer, module, *_):
        self.fades.append(module.growth.at(module.images_seen).alpha)

    def on_train_batch_end(self, trainer, module, outputs, *_):
        self.steps.append({name: float(value) for name, value in outputs.items()})
        self.graphs.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])


def fit(module, count, precision="32-true"):
    keep = Keep()
    trainer = L.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, callbacks=[keep], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, precision=precision,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, DataLoader(list(batches(count)), batch_size=None, collate_fn=as_is))
    return keep


@pytest.mark.parametrize("pair", PAIRS)
def test_half_precision_trains_with_whole_weights_and_whole_penalties(pair):
    seen = []

    def watch(judge, exact, real):
        kinds = []
        hook = module.discriminator.score.register_forward_hook(lambda *call: kinds.append(call[-1].dtype))
        judge(real)
        zero_centred_penalty(exact, real)
        hook.remove()
        seen.append(kinds)

    module = build(pair, [Phase(8, 4, 0, 8), Phase(16, 4, 8, 8)], watch)
    start = {name: value.clone() for name, value in module.state_dict().items()}
    keep = fit(module, 6, "bf16-mixed")
    assert seen == [[torch.bfloat16, torch.float32]] * 6
    assert all(torch.isfinite(torch.tensor(list(step.values()))).all() for step in keep.steps)
    assert {value.dtype for value in module.state_dict().values()} == {torch.float32}
    moved = [not torch.equal(value, start[name]) for name, value in module.state_dict().items()]
    assert sum(moved) > 0.9 * len(moved)
    exactly = fit(build(pair, [Phase(8, 4, 0, 8), Phase(16, 4, 8, 8)]), 6)
    for half, whole in zip(keep.steps, exactly.steps, strict=True):
        assert half["generator/l1"] == pytest.approx(whole["generator/l1"], rel=0.1)
    assert keep.steps[0]["generator/loss"] != exactly.steps[0]["generator/loss"]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_penalty_teaches_the_same_to_the_last_bit_in_mixed_precision(pair):
    """Its scores, their gradient and the gradient of that: none of the three may be taken in half precision."""

    class PenaltyAlone(WassersteinGP):
        def discriminator(self, judge, exact, real, *rest):
            return zero_centred_penalty(exact, real), {}

    norms = []
    for precision in ("32-true", "bf16-mixed"):
        module = build(pair, [Phase(16, 4, 0, 4)])
        module.objective = PenaltyAlone()
        (step,) = fit(module, 1, precision).steps
        norms.append((step["discriminator/loss"], step["discriminator/gradient"]))
    assert norms[0] == norms[1]


@pytest.mark.parametrize("precision", ["64-true", "bf16-true", "16-true"])
def test_other_precisions_are_refused_before_the_first_step(precision):
    module = build("deepprivacy", [Phase(16, 4, 0, 8)])
    with pytest.raises(OptionError, match=f"trainer.precision must be 32-true or bf16-mixed, got '{precision}'"):
        fit(module, 2, precision)
    assert module.images_seen == 0


def test_half_precision_that_needs_scaled_losses_is_refused():
    """Lightning turns it into bf16-mixed on a CPU, and says so."""
    with pytest.raises(OptionError, match="got '16-mixed'"):
        check_precision("16-mixed")


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS)
def test_compiled_networks_train_alike_and_are_not_compiled_at_every_step_of_a_fade(pair):
    phases = [Phase(8, 4, 0, 8), Phase(16, 4, 24, 12)]
    module, plain = build(pair, phases, compile=True), build(pair, phases)
    names = list(module.state_dict())
    keep, expected = fit(module, 11), fit(plain, 11)
    assert list(module.state_dict()) == names == list(plain.state_dict())
    for compiled, eager in zip(keep.steps, expected.steps, strict=True):
        assert compiled == pytest.approx(eager, rel=1e-3, abs=1e-4)
    assert keep.fades == [1, 1, *(i / 6 for i in range(6)), 1, 1, 1]
    new = [after - before for before, after in zip([0, *keep.graphs], keep.graphs, strict=False)]
    assert [index for index, graphs in enumerate(new) if graphs] == [0, 2, 8]  # a phase, its fade, the fade's end
