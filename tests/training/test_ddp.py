"""Two processes that share every batch train as one does: gradients, average, clock and growth."""

import csv
import warnings

import lightning as L
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, IterableDataset

from deepanon.data.batch import FaceBatch, as_is
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
from deepanon.training import Augmentation, Checkpoints, DiffAugment, GANTrainer, Metrics

WIDTHS = {4: 8, 8: 8, 16: 4}
PAIRS = {
    "deepprivacy": (DeepPrivacyGenerator, DeepPrivacyDiscriminator, WassersteinGP(), None),
    "modern": (ModulatedGenerator, ResidualDiscriminator, NonSaturating(every=2), DiffAugment()),
}
STRATEGY = "ddp_fork_find_unused_parameters_true"  # forked: no second import of everything


def build(pair, **options):
    torch.manual_seed(0)
    generator, discriminator, objective, diffaugment = PAIRS[pair]
    growth = Growth([Phase(8, 8, 0, 16), Phase(16, 8, 24, 8)])
    networks = generator(16, WIDTHS), discriminator(16, WIDTHS)
    usual = {
        "growth": growth,
        "objective": objective,
        "augmentation": Augmentation(second_hole=0.5),
        "diffaugment": diffaugment,
    }
    return GANTrainer(*networks, **usual | options)


class Crops(IterableDataset):
    """The rank's slice of each batch of the schedule."""

    def __init__(self, growth, rank=0, world=1):
        self.growth, self.rank, self.world = growth, rank, world

    def __iter__(self):
        seen = 0
        while seen < self.growth.total_images:
            size = self.growth.at(seen).batch_size
            rng, n = torch.Generator().manual_seed(seen), size // self.world
            images = torch.randint(0, 256, (size, 3, 4, 4), generator=rng, dtype=torch.uint8)
            low = torch.rand(size, 2, generator=rng) * 0.3
            keypoints = torch.rand(size, 5, 2, generator=rng)
            images = images.repeat_interleave(4, 2).repeat_interleave(4, 3)
            batch = images, torch.cat([low, low + 0.5], 1), keypoints
            yield FaceBatch(*(part[self.rank * n : (self.rank + 1) * n] for part in batch))
            seen += size


class Data(L.LightningDataModule):
    def train_dataloader(self):
        growth = self.trainer.lightning_module.growth
        return DataLoader(Crops(growth, self.trainer.global_rank, self.trainer.world_size), None, collate_fn=as_is)


class Note(L.Callback):
    """Writes what a process holds after each batch."""

    def __init__(self, folder):
        self.folder = folder

    def on_train_batch_end(self, trainer, module, logs, *_):
        held = {name: value.clone() for name, value in module.state_dict().items()}
        gradients = {
            f"{name}.grad": value.grad.clone() for name, value in module.named_parameters() if value.grad is not None
        }
        where = self.folder / f"{trainer.world_size}-{trainer.global_rank}-{module.images_seen}.pt"
        torch.save(held | gradients | {"state": module.growth.at(module.images_seen), "skipped": module.skipped}, where)


def fit(module, folder, devices, strategy=STRATEGY):
    folder.mkdir(exist_ok=True)
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", devices=devices, strategy=strategy if devices > 1 else "auto",
        logger=CSVLogger(folder, str(devices), ""),
        callbacks=[Note(folder), Checkpoints(folder / str(devices), 16), Metrics(16)],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, Data())


def held(folder, world, rank, seen):
    return torch.load(folder / f"{world}-{rank}-{seen}.pt", weights_only=False)


def plain(module):
    """Let it learn by plain gradient descent, in which the smallest difference of gradients stays small."""
    networks = module.generator, module.discriminator
    module.configure_optimizers = lambda: [torch.optim.SGD(net.parameters(), 0.01, momentum=0.5) for net in networks]
    module.on_train_start = lambda: None
    return module


def entries(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def assert_same_entries(one, two):
    """What was logged, but for speed and memory."""
    assert [entry["step"] for entry in one] == [entry["step"] for entry in two] == ["16", "32", "48"]
    for a, b in zip(one, two, strict=True):
        assert a.keys() == b.keys()
        for name in a.keys() - {"speed/images_per_second", "speed/data_wait", "memory/peak_gib"}:
            assert float(a[name] or 0) == pytest.approx(float(b[name] or 0), rel=1e-4, abs=1e-6), name
        assert 0 <= float(b["speed/data_wait"]) <= 1


@pytest.mark.parametrize("pair", PAIRS)
def test_two_processes_train_as_one_does(pair, tmp_path):
    """Every gradient and weight after every step, through the growth at 16 images and the fade after it."""
    for devices in (1, 2):
        fit(plain(build(pair)), tmp_path, devices)
    for seen in range(8, 49, 8):
        one, *two = held(tmp_path, 1, 0, seen), held(tmp_path, 2, 0, seen), held(tmp_path, 2, 1, seen)
        assert one.keys() == two[0].keys() == two[1].keys()
        assert sum(name.endswith(".grad") for name in one) > 20
        for name, expected in one.items():
            if not isinstance(expected, torch.Tensor):
                assert expected == two[0][name] == two[1][name]  # phase, fade, skipped steps
                continue
            assert torch.equal(two[0][name], two[1][name]), (seen, name)
            apart = (two[0][name] - expected).norm() - 1e-6  # some gradients are 0 but for rounding
            assert apart <= 1e-4 * expected.norm(), (seen, name)  # a kink of LeakyReLU may be rounded over
    for world in "12":
        assert {path.name for path in (tmp_path / world).iterdir()} >= {"generator.safetensors", "last.ckpt"}
        assert not [path.name for path in (tmp_path / world).iterdir() if "part" in path.name]
    assert_same_entries(*(entries(tmp_path / world / "metrics.csv") for world in "12"))
    stored = [torch.load(tmp_path / f"{world}/last.ckpt", weights_only=True) for world in (1, 2)]
    assert [checkpoint["images_seen"] for checkpoint in stored] == [48, 48]
    for name, weight in stored[1]["state_dict"].items():
        assert torch.equal(weight, held(tmp_path, 2, 0, 48)[name])


class NanElsewhere(WassersteinGP):
    """Its loss is not a number on the second process, at the second batch."""

    def discriminator(self, *arguments):
        loss, logs = super().discriminator(*arguments)
        bad = torch.distributed.is_initialized() and torch.distributed.get_rank() == 1 and arguments[-1] == 1
        return loss * (float("nan") if bad else 1.0), logs


def test_a_bad_step_of_one_process_is_left_out_by_all(tmp_path):
    module = build("deepprivacy", objective=NanElsewhere())
    before = {name: value.clone() for name, value in module.discriminator.state_dict().items()}
    fit(plain(module), tmp_path, 2)
    after = [held(tmp_path, 2, 0, seen) for seen in (8, 16, 24)]
    assert [one["skipped"] for one in after] == [[0, 0], [0, 10], [0, 9]]
    moved = [[not torch.equal(a[f"discriminator.{n}"], b) for n, b in before.items()] for a in after]
    assert any(moved[0])
    assert all(torch.equal(after[0][f"discriminator.{n}"], after[1][f"discriminator.{n}"]) for n in before)
    assert all(torch.equal(after[1][name], held(tmp_path, 2, 1, 16)[name]) for name in module.state_dict())


@pytest.mark.parametrize(
    ("strategy", "size", "message"),
    [
        ("ddp_fork", 8, r"strategy=ddp_find_unused_parameters_true"),
        (STRATEGY, 12, r"a process has 6 images of a batch in phase 1 \(8 px\), no multiple of .* group of 4"),
    ],
)
def test_what_cannot_be_shared_is_said_before_training(strategy, size, message, tmp_path):
    module = build("modern", growth=Growth([Phase(8, size, 0, 16), Phase(16, 8, 24, 8)]))
    with pytest.raises(Exception, match=message):
        fit(module, tmp_path, 2, strategy)
    assert not list(tmp_path.glob("*.pt"))
