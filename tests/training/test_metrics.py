import csv
import logging
import time
from types import SimpleNamespace

import lightning as L
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.strategies import SingleDeviceStrategy

from deepanon.data.crops import PackedCrops
from deepanon.models import DeepPrivacyDiscriminator, DeepPrivacyGenerator, Growth, NonSaturating, Phase
from deepanon.training import FaceData, GANTrainer, Metrics

WIDTHS = {4: 8, 8: 8, 16: 4}


def crops(root):
    return FaceData(PackedCrops(root, "train", 16), PackedCrops(root, "val", 16))


def module(**options):
    torch.manual_seed(0)
    growth = Growth([Phase(8, 8, 0, 24), Phase(16, 4, 16, 16)])
    return GANTrainer(DeepPrivacyGenerator(16, WIDTHS), DeepPrivacyDiscriminator(16, WIDTHS), growth, **options)


class Keep(L.Callback):
    """Every step's report."""

    def __init__(self):
        self.steps = {}

    def on_train_batch_end(self, trainer, module, outputs, *_):
        self.steps[module.images_seen] = {name: float(value) for name, value in outputs.items()}


def fit(data, folder, keep, images, **options):
    made, logger = module(**options), CSVLogger(folder, "log", "")
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=logger, callbacks=[keep, Metrics(images)],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(made, data)
    with (folder / "log" / "metrics.csv").open() as stream:
        return {int(row["step"]): {n: float(v) for n, v in row.items() if v} for row in csv.DictReader(stream)}


def test_entries_are_means_since_the_last_one_by_images_seen(packed, tmp_path):
    """A penalty that is computed in every second step is averaged over the steps that have it."""
    keep = Keep()
    entries = fit(crops(packed), tmp_path, keep, 16, objective=NonSaturating(every=2))
    assert list(entries) == [16, 32, 48, 56]
    parts = {16: (8, 16), 32: (24, 28, 32), 48: (36, 40, 44, 48), 56: (52, 56)}
    for seen, entry in entries.items():
        steps = [keep.steps[n] for n in parts[seen]]
        for name in {name for step in steps for name in step}:
            values = [step[name] for step in steps if name in step]
            assert entry[name] == pytest.approx(sum(values) / len(values), rel=1e-5), (seen, name)
        assert entry["discriminator/skipped"] == entry["generator/skipped"] == 0
        assert entry["speed/images_per_second"] > 0
        assert 0 <= entry["speed/data_wait"] <= 1
        assert 0.1 < entry["memory/peak_gib"] < 100
    assert sum("discriminator/r1" in step for step in keep.steps.values()) < len(keep.steps)
    assert [(e["growth/resolution"], e["growth/batch_size"]) for e in entries.values()] == [(8, 8), *[(16, 4)] * 3]
    assert [entries[n]["growth/alpha"] for n in (16, 32, 48)] == pytest.approx([1, 4 / 16, 1])  # of the last step


def test_what_is_not_finite_is_counted_and_not_averaged(tmp_path):
    written = {}
    metrics, clock = Metrics(32), module()
    logger = SimpleNamespace(log_metrics=lambda entry, step: written.update({step: entry}), save=lambda: None)
    trainer = SimpleNamespace(strategy=SingleDeviceStrategy("cpu"), loggers=[logger])
    metrics.on_train_start(trainer, clock)
    for clock.images_seen, loss in ((8, 1.0), (16, float("nan")), (24, 2.0), (32, float("inf"))):
        metrics.on_train_batch_start(trainer, clock)
        outputs = {"generator/loss": torch.tensor(loss), "generator/gradient": torch.tensor(loss)}
        metrics.on_train_batch_end(trainer, clock, outputs, None, 0)
    assert written[32]["generator/loss"] == written[32]["generator/gradient"] == 1.5
    assert written[32]["generator/skipped"] == 2


class SlowCrops(FaceData):
    def train_dataloader(self):
        return Slow(super().train_dataloader())


class Slow:
    """The same batches, each a fifth of a second late."""

    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        for batch in self.loader:
            time.sleep(0.2)
            yield batch


def test_waiting_for_data_shows(packed, tmp_path):
    entries = fit(SlowCrops(*(PackedCrops(packed, split, 16) for split in ("train", "val"))), tmp_path, Keep(), 16)
    assert entries[32]["speed/data_wait"] > 0.4  # more than nine tenths if nothing else runs
    assert entries[32]["speed/images_per_second"] < 16 / 0.6


def test_a_log_that_cannot_be_written_does_not_end_training(caplog):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    metrics, clock = Metrics(8), module()
    trainer = SimpleNamespace(
        strategy=SingleDeviceStrategy("cpu"), loggers=[SimpleNamespace(log_metrics=full, save=lambda: None)]
    )
    metrics.on_train_start(trainer, clock)
    clock.images_seen = 8
    metrics.on_train_batch_start(trainer, clock)
    with caplog.at_level(logging.WARNING):
        metrics.on_train_batch_end(trainer, clock, {"generator/loss": torch.tensor(1.0)}, None, 0)
    assert "No space left on device); training goes on" in caplog.text


@pytest.mark.parametrize("images", [0, -1, "x", 2.5])
def test_impossible_intervals(images):
    with pytest.raises((TypeError, ValueError), match="images must be"):
        Metrics(images)
