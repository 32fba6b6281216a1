"""Trainings in two forked processes, and the same in one: `python two_processes.py FOLDER`.

A program of its own, because a process that has used threads, as the tests' has, may hang in its forks.
"""

import json
import sys
import warnings
from pathlib import Path

import lightning as L
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


def plain(module):
    """Let it learn by plain gradient descent, in which the smallest difference of gradients stays small."""
    networks = module.generator, module.discriminator
    module.configure_optimizers = lambda: [torch.optim.SGD(net.parameters(), 0.01, momentum=0.5) for net in networks]
    module.on_train_start = lambda: None
    return module


class NanElsewhere(WassersteinGP):
    """Its loss is not a number on the second process, at the second batch."""

    def discriminator(self, *arguments):
        loss, logs = super().discriminator(*arguments)
        bad = torch.distributed.is_initialized() and torch.distributed.get_rank() == 1 and arguments[-1] == 1
        return loss * (float("nan") if bad else 1.0), logs


def refusal(folder, strategy, size):
    """What is said of a batch size and a strategy; nothing may have been trained."""
    try:
        fit(build("modern", growth=Growth([Phase(8, size, 0, 16), Phase(16, 8, 24, 8)])), folder, 2, strategy)
    except Exception as error:  # of a kind that the launcher chooses
        return str(error)
    return None


def main(root):
    """Forks first: the less this process has done before, the less they inherit."""
    said = {
        "a strategy that does not average": refusal(root / "refused", "ddp_fork", 8),
        "a batch that cannot be shared": refusal(root / "refused", STRATEGY, 12),
    }
    (root / "said.json").write_text(json.dumps(said))
    bad = build("deepprivacy", objective=NanElsewhere())
    torch.save(dict(bad.discriminator.state_dict()), root / "before.pt")
    fit(plain(bad), root / "bad", 2)
    for devices in (2, 1):
        for pair in PAIRS:
            fit(plain(build(pair)), root / pair, devices)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
