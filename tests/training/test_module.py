import copy
import warnings

import lightning as L
import pytest
import torch

from deepanon.data.crops import PackedCrops
from deepanon.errors import DataError, OptionError, SchemaError
from deepanon.models import DeepPrivacyDiscriminator as Discriminator
from deepanon.models import DeepPrivacyGenerator as Generator
from deepanon.models import Growth, Phase, WassersteinGP
from deepanon.training import Checkpoints, FaceData, GANTrainer
from deepanon.training.batches import Augmentation

WIDTHS = {4: 8, 8: 8, 16: 4}
SHORT = [Phase(8, 8, 0, 24), Phase(16, 4, 16, 16)]


def faces(root, resolution, **options):
    return FaceData(PackedCrops(root, "train", resolution), PackedCrops(root, "val", resolution), **options)


def build(phases=SHORT, **options):
    torch.manual_seed(0)
    nets = {
        "generator": Generator(16, WIDTHS),
        "discriminator": Discriminator(16, WIDTHS),
        "growth": Growth(phases),
    }
    return GANTrainer(
        **nets
        | {"augmentation": Augmentation(second_hole=0.5), "reconstruction_weight": 1.0, "reconstruction_images": 1000}
        | options
    )


def fit(module, data, folder, *, every=1000, ckpt=None, more=()):
    callbacks = [Checkpoints(folder, every), *more]
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=False, callbacks=callbacks, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, data, ckpt_path=ckpt, weights_only=True)
    return module, trainer


def state_of(module, trainer):
    """Everything that training changes, as a flat dict."""
    state = dict(module.state_dict())
    for i, optimizer in enumerate(trainer.optimizers):
        for j, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"]):
            for name, value in optimizer.state.get(parameter, {}).items():
                state[f"optimizer{i}.{j}.{name}"] = value
    return state | {"images_seen": torch.tensor(module.images_seen)}


@pytest.fixture(scope="module")
def straight(packed, tmp_path_factory):
    module, trainer = fit(build(), faces(packed, 16), tmp_path_factory.mktemp("straight"))
    return state_of(module, trainer)


@pytest.mark.parametrize("stop", [8, 16, 24, 32, 40, 52])
def test_resumed_training_is_the_same_bit_for_bit(straight, packed, tmp_path, stop, stop_at):
    """Killed in a phase, at the growth (24), in the fade, after it; another seed of the process must not matter."""
    with pytest.raises(stop_at.Killed):
        fit(build(), faces(packed, 16), tmp_path, every=4, more=[stop_at(stop)])
    module = build()
    torch.manual_seed(1)
    for p in module.parameters():
        p.data.normal_()
    module, trainer = fit(module, faces(packed, 16), tmp_path, ckpt=tmp_path / "last.ckpt")
    resumed = state_of(module, trainer)
    assert resumed.keys() == straight.keys()
    assert [name for name in straight if not torch.equal(straight[name], resumed[name])] == []
    assert module.images_seen == 56


def test_training_changes_every_used_weight(straight):
    start = build().state_dict()
    unchanged = [name for name, value in start.items() if torch.equal(value, straight[name])]
    assert unchanged == []
    assert any(name.startswith("optimizer1") for name in straight)


def test_finished_training_is_left_as_it_is(packed, tmp_path, straight):
    fit(build(), faces(packed, 16), tmp_path)
    module, trainer = fit(build(), faces(packed, 16), tmp_path, ckpt=tmp_path / "last.ckpt")
    again = state_of(module, trainer)
    assert all(torch.equal(straight[name], again[name]) for name in straight)


def test_longer_schedule_goes_on_from_a_finished_one(packed, tmp_path):
    fit(build(), faces(packed, 16), tmp_path)
    longer = [SHORT[0], Phase(16, 4, 16, 36)]
    whole, whole_trainer = fit(build(longer), faces(packed, 16), tmp_path / "whole")
    module, trainer = fit(build(longer), faces(packed, 16), tmp_path, ckpt=tmp_path / "last.ckpt")
    assert module.images_seen == whole.images_seen == 76
    a, b = state_of(module, trainer), state_of(whole, whole_trainer)
    assert all(torch.equal(a[name], b[name]) for name in b)


def test_every_growth_starts_adam_afresh(packed, tmp_path):
    seen = {}

    class Watch(L.Callback):
        def on_train_batch_end(self, trainer, module, *_):
            states = [list(o.state.values()) for o in trainer.optimizers]
            seen[module.images_seen] = [max((float(s["step"]) for s in state), default=0) for state in states]

    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Watch()], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(build(), faces(packed, 16))
    assert seen == {8: [1, 1], 16: [2, 2], 24: [0, 0]} | {24 + 4 * i: [i, i] for i in range(1, 9)}


def test_average_has_its_half_life(packed, tmp_path):
    """With one batch of 8, EMA = 0.5^(8/h) of the start plus the rest of the weights after the step."""
    module = build([Phase(16, 8, 0, 8)], ema_half_life=16)
    start = copy.deepcopy(module.generator.state_dict())
    fit(module, faces(packed, 16), tmp_path)
    keep = 0.5**0.5
    for name, average in module.ema.state_dict().items():
        torch.testing.assert_close(average, keep * start[name] + (1 - keep) * module.generator.state_dict()[name])
    assert not any(p.requires_grad for p in module.ema.parameters())


def test_critic_and_generator_pull_in_opposite_directions(packed, tmp_path):
    """Without the adversary's moves, a critic learns to tell real from drawn."""
    still = Augmentation(flip=0, box_jitter=0, keypoint_dropout=0, second_hole=0)
    module, distances = build([Phase(16, 8, 0, 240)], augmentation=still, lr=0.005), []
    for parameter in module.generator.parameters():
        parameter.requires_grad_(False)
    module._generator_step = lambda *_, **__: {}

    class Watch(L.Callback):
        def on_train_batch_end(self, trainer, module, logs, *_):
            distances.append(float(logs["discriminator/real"] - logs["discriminator/fake"]))

    fit(module, faces(packed, 16), tmp_path, more=[Watch()])
    assert sum(distances[-10:]) / 10 > distances[0] + 0.05
    assert sum(distances[-10:]) > 0


def test_reconstruction_weight_falls_to_zero():
    module = build(reconstruction_weight=4.0, reconstruction_images=100)
    weights = []
    for module.images_seen in (0, 25, 100, 1000):
        weights.append(module._reconstruction())
    assert weights == [4.0, 3.0, 0.0, 0.0]
    assert build(reconstruction_weight=0, reconstruction_images=0)._reconstruction() == 0


def test_gradients_that_are_not_finite_stop_training_after_a_bounded_number(packed, tmp_path):
    module = build([Phase(16, 8, 0, 240)], skips=3)
    fit(build([Phase(16, 8, 0, 8)]), faces(packed, 16), tmp_path)
    good = (tmp_path / "last.ckpt").read_bytes()
    module.discriminator.score.weight.data.fill_(float("nan"))
    with pytest.raises(
        FloatingPointError, match=r"more than 3 steps in a row.* no finite gradient.*loss nan.*lower lr"
    ):
        fit(module, faces(packed, 16), tmp_path)
    assert module.images_seen == 24
    assert (tmp_path / "last.ckpt").read_bytes() == good


class NanAt(WassersteinGP):
    def __init__(self, *turns):
        super().__init__()
        self.turns = turns

    def discriminator(self, *arguments):
        loss, logs = super().discriminator(*arguments)
        return loss * (float("nan") if arguments[-1] in self.turns else 1.0), logs


def test_one_bad_step_in_two_does_not_go_on_for_ever(packed, tmp_path):
    module = build([Phase(16, 8, 0, 240)], skips=3, objective=NanAt(*range(0, 30, 2)))
    with pytest.raises(FloatingPointError, match="more than one in 11, had no finite gradient"):
        fit(module, faces(packed, 16), tmp_path)
    assert module.images_seen == 6 * 8  # levels: 10, 9, 19, 18, 28, 27, 37
    module = build([Phase(16, 8, 0, 240)], skips=1, objective=NanAt(0, 11, 22))
    fit(module, faces(packed, 16), tmp_path / "rare")
    assert module.skipped == [0, 3]


def test_steps_left_out_are_counted_on_after_a_resumption(packed, tmp_path, stop_at):
    def bad():
        return build([Phase(16, 8, 0, 80)], skips=2, objective=NanAt(1, 2, 3))

    with pytest.raises(stop_at.Killed):
        fit(bad(), faces(packed, 16), tmp_path, every=8, more=[stop_at(24)])
    module = bad()
    with pytest.raises(FloatingPointError, match="after 24 images"):
        fit(module, faces(packed, 16), tmp_path, ckpt=tmp_path / "last.ckpt")


def test_one_bad_step_is_left_out_and_forgotten(packed, tmp_path):
    module, moved = build([Phase(16, 8, 0, 40)], skips=1, objective=NanAt(2)), []

    class Watch(L.Callback):
        def on_train_batch_start(self, trainer, module, *_):
            self.before = [p.clone() for p in module.discriminator.parameters()]

        def on_train_batch_end(self, trainer, module, *_):
            after = module.discriminator.parameters()
            moved.append(any(not torch.equal(a, b) for a, b in zip(after, self.before, strict=True)))

    fit(module, faces(packed, 16), tmp_path, more=[Watch()])
    assert moved == [True, True, False, True, True]
    assert all(torch.isfinite(p).all() for p in module.parameters())


def test_gradient_clipping_bounds_the_norm(packed, tmp_path):
    """With plain SGD of lr 1 the step is the clipped gradient."""
    module = build([Phase(8, 8, 0, 8)], generator=small(), discriminator=critic(), gradient_clip=0.01)
    module.configure_optimizers = lambda: [
        torch.optim.SGD(net.parameters(), 1.0) for net in (module.generator, module.discriminator)
    ]
    module.on_train_start = lambda: None
    fit(module, faces(packed, 16), tmp_path)
    start = critic().state_dict()
    moved = torch.cat([(v - start[n]).flatten() for n, v in module.discriminator.state_dict().items()]).norm()
    assert moved.item() == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lr": "abc"}, TypeError, "lr must be a number, got 'abc'"),
        ({"lr": 0}, ValueError, "lr must be finite and positive"),
        ({"lr": float("nan")}, ValueError, "lr must be finite"),
        ({"lr": True}, TypeError, "lr must be a number"),
        ({"betas": (0.0, "x")}, TypeError, "beta2 must be a number"),
        ({"betas": (0.0, 1.0)}, ValueError, "betas must"),
        ({"betas": 0.9}, TypeError, "betas must be two numbers"),
        ({"objective": "wgan"}, TypeError, "objective must be a `Objective`, got 'wgan'"),
        ({"diffaugment": 1}, TypeError, "diffaugment must be a `DiffAugment`"),
        ({"gradient_clip": -1}, ValueError, "gradient_clip must be finite and positive"),
        ({"gradient_clip": 0}, ValueError, "gradient_clip must be finite and positive"),
        ({"compile": "false"}, TypeError, "compile must be true or false, got .false."),
        ({"floor_boxes": 1}, TypeError, "floor_boxes must be true or false"),
        ({"skips": -1}, ValueError, "skips must be 0 or more"),
        ({"ema_half_life": 0}, ValueError, "ema_half_life"),
        ({"reconstruction_images": 0}, ValueError, "do nothing one without the other"),
        ({"reconstruction_images": "many"}, TypeError, "reconstruction_images"),
        ({"seed": "x"}, TypeError, "seed must be a whole number"),
        ({"augmentation": {"flip": 0}}, TypeError, "augmentation must be"),
        ({"schema": "six"}, SchemaError, "unknown keypoint schema 'six'"),
        ({"schema": "coco7"}, ValueError, "generator takes 5 keypoints but the schema has 7"),
        (
            {"discriminator": Discriminator(16, WIDTHS, keypoints=7)},
            ValueError,
            "discriminator takes 7 keypoints",
        ),
        (
            {"discriminator": Discriminator(8, {4: 8, 8: 8})},
            ValueError,
            "discriminator is 8 px, growth ends at 16",
        ),
        ({"growth": Growth([Phase(8, 4, 0, 4)])}, ValueError, "generator is 16 px but growth ends at 8 px"),
        ({"generator": {"resolution": 16}}, TypeError, "generator must be a `Generator`"),
    ],
)
def test_misconfiguration_is_named(options, error, message):
    with pytest.raises(error, match=message):
        build(**options)


def test_data_must_fit_the_model(packed, tmp_path):
    with pytest.raises(DataError, match="crops of 8 px do not fit growth to 16 px"):
        fit(build(), faces(packed, 8), tmp_path)
    seven = build(
        schema="coco7",
        generator=Generator(16, WIDTHS, 7),
        discriminator=Discriminator(16, WIDTHS, 7),
    )
    with pytest.raises(SchemaError, match="'five', the model 'coco7'"):
        fit(seven, faces(packed, 16), tmp_path)


def test_the_critic_joins_after_the_warm_up(packed, tmp_path):
    """While the generator learns by reconstruction alone the critic keeps its first weights, then both move."""
    during, _ = fit(build([Phase(8, 8, 0, 16)], generator=small(), discriminator=critic(), warmup_images=16),
                    faces(packed, 16), tmp_path / "a")  # fmt: skip
    after, _ = fit(build([Phase(8, 8, 0, 24)], generator=small(), discriminator=critic(), warmup_images=16),
                   faces(packed, 16), tmp_path / "b")  # fmt: skip

    def moved(module, network):
        start = {"generator": small(), "discriminator": critic()}[network].state_dict()
        return any(not torch.equal(start[name], value) for name, value in getattr(module, network).state_dict().items())

    assert moved(during, "generator")
    assert not moved(during, "discriminator")
    assert moved(after, "discriminator")


def test_the_generator_joins_after_the_frozen_images(packed, tmp_path):
    """While only the discriminator learns, generator and average keep the weights that they began with."""
    networks = {"generator": small(), "discriminator": critic()}
    during, _ = fit(build([Phase(8, 8, 0, 16)], **networks, frozen_images=16), faces(packed, 16), tmp_path / "a")
    networks = {"generator": small(), "discriminator": critic()}
    after, _ = fit(build([Phase(8, 8, 0, 24)], **networks, frozen_images=16), faces(packed, 16), tmp_path / "b")

    def moved(network, start):
        return any(not torch.equal(start.state_dict()[name], value) for name, value in network.state_dict().items())

    assert not moved(during.generator, small())
    assert not moved(during.ema, small())
    assert moved(during.discriminator, critic())
    assert moved(after.generator, small())


def test_beginning_without_either_network_is_refused():
    with pytest.raises(OptionError, match="choose one"):
        build([Phase(8, 8, 0, 16)], generator=small(), discriminator=critic(), warmup_images=8, frozen_images=8)


def small():
    torch.manual_seed(0)
    return Generator(8, {4: 8, 8: 8})


def critic():
    torch.manual_seed(0)
    return Discriminator(8, {4: 8, 8: 8})


def test_the_generator_learns_from_every_third_batch_only(packed, tmp_path):
    module = build([Phase(8, 8, 0, 48)], generator=small(), discriminator=critic(), discriminator_steps=3)
    drawn = []
    step = module._step
    module._step = lambda which, loss: drawn.append(which) or step(which, loss)
    fit(module, faces(packed, 16), tmp_path)
    assert drawn == [1, 0, 1, 1, 1, 0, 1, 1]  # 1: critic, 0: generator; six batches


def test_a_resumed_run_uses_its_own_learning_rate_and_betas(packed, tmp_path):
    fit(build(lr=0.002), faces(packed, 16), tmp_path)
    longer = [*SHORT[:1], Phase(16, 4, 16, 32)]
    changed = build(longer, lr=0.0005, betas=(0.5, 0.9))
    _, trainer = fit(changed, faces(packed, 16), tmp_path, ckpt=tmp_path / "last.ckpt")
    groups = [group for o in trainer.optimizers for group in o.param_groups]
    assert [(group["lr"], group["betas"]) for group in groups] == [(0.0005, (0.5, 0.9))] * 2
