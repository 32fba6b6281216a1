from functools import partial
from types import SimpleNamespace

import lightning as L
import pytest
import torch

from deepanon.models import DeepPrivacyDiscriminator, DeepPrivacyGenerator, Growth, NonSaturating, Phase
from deepanon.training import GANTrainer
from deepanon.training.probe import measure
from deepanon.training.schedule import Timing

WIDTHS = {4: 8, 8: 8, 16: 4}


@pytest.fixture
def module():
    torch.manual_seed(0)
    growth = Growth([Phase(8, 64, 0, 100), Phase(16, 8, 20, 40)])
    networks = DeepPrivacyGenerator(16, WIDTHS), DeepPrivacyDiscriminator(16, WIDTHS)
    return GANTrainer(*networks, growth, NonSaturating(every=4), warmup_images=50)


def note(module, monkeypatch):
    """(crop size, batch size, images seen) of every training step."""
    taken, step = [], module.training_step

    def training_step(batch, batch_idx):
        taken.append((batch.images.shape[-1], len(batch.images), module.images_seen))
        return step(batch, batch_idx)

    monkeypatch.setattr(module, "training_step", training_step)
    return taken


def test_every_phase_is_timed_by_real_steps_past_the_warm_up(module, monkeypatch):
    taken = note(module, monkeypatch)
    timings = measure(module, partial(L.Trainer, accelerator="cpu"), seconds=60)
    assert [timing.batch_size for timing in timings] == [64, 8]
    assert all(timing.seconds > 0 for timing in timings)
    assert [(size, n) for size, n, _ in taken] == [(8, 4)] * 2 + [(8, 64)] * 5 + [(16, 4)] * 2 + [(16, 8)] * 5
    assert all(seen >= 50 for *_, seen in taken)
    assert [seen // 64 % 4 for _, n, seen in taken if n == 64] == [0, 0, 1, 2, 3]  # one of four has the penalty


def test_what_takes_too_long_is_inferred(module, monkeypatch):
    """No time at all: a few images of the first phase, nothing of the second."""
    taken = note(module, monkeypatch)
    first, second = measure(module, partial(L.Trainer, accelerator="cpu"), seconds=0)
    assert [(size, n) for size, n, _ in taken] == [(8, 4)] * 2
    assert (first.batch_size, second.batch_size) == (4, 0)
    assert second.seconds > 1.5 * first.seconds


def test_what_a_phase_needs_to_get_going_is_not_in_its_time(module, monkeypatch):
    """By a clock on which a step takes a second, but a hundred with a batch size not seen before."""
    seen, now, step = set(), [0], module.training_step

    def training_step(batch, batch_idx):
        now[0] += 1 if batch.images.shape in seen else 100
        seen.add(batch.images.shape)
        return step(batch, batch_idx)

    monkeypatch.setattr(module, "training_step", training_step)
    monkeypatch.setattr("deepanon.training.probe.time", SimpleNamespace(perf_counter=lambda: now[0]))
    timings = measure(module, partial(L.Trainer, accelerator="cpu"), seconds=1000)
    assert [(timing.seconds * timing.batch_size, timing.batch_size) for timing in timings] == [(1, 64), (1, 8)]
    module.images_seen, seen = 0, set()
    timings = measure(module, partial(L.Trainer, accelerator="cpu"), seconds=0)
    assert timings[0] == Timing(1 / 4, 4)
