"""How long training will take on this machine: a few real steps of each phase, timed on random crops."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

from deepanon.data.batch import FaceBatch, as_is
from deepanon.models import Growth, Phase
from deepanon.training.module import GANTrainer
from deepanon.training.schedule import Timing, work

SMALL = 4  # images of a phase's first steps, which say how many can be afforded; more if they form larger groups


class _Stopwatch(L.Callback):
    """Times every step but the first, which warms up; the second is the same one again."""

    def __init__(self, first: int) -> None:
        self.first, self.seconds = first, list[float]()

    def on_train_batch_start(self, trainer: L.Trainer, module: Any, batch: Any, index: int) -> None:
        """Start the clock; both first steps begin at the same images seen, so that they are the same step."""
        if index < 2:
            module.images_seen = self.first
        self._start = time.perf_counter()

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, index: int) -> None:
        """Note how long the step took."""
        if module.device.type == "cuda":
            torch.cuda.synchronize(module.device)
        if index:
            self.seconds.append(time.perf_counter() - self._start)


def measure(module: GANTrainer, trainer_for: Callable[..., L.Trainer], seconds: float = 60.0) -> list[Timing]:
    """Time each phase of `module`'s schedule; spoils the module.

    Phases whose full batches would take too long are timed with smaller ones, and those of which not even a few images
    can be afforded are inferred from the phase before.

    Args:
        module: what would be trained.
        trainer_for: makes the trainer that would train it, with `callbacks` and more arguments of Lightning's.
        seconds: to spend, about.
    """
    phases, costs = module.growth.phases, work(module.generator, module.discriminator, module.growth)
    timings: list[Timing] = []
    end = time.perf_counter() + seconds
    with _quiet():
        for index, phase in enumerate(phases):
            budget = (end - time.perf_counter()) / (len(phases) - index)
            if timings:
                inferred = timings[-1].seconds * costs[index] / costs[index - 1]
                if inferred * min(SMALL, phase.batch_size) > max(budget, 0):
                    timings.append(Timing(inferred, 0))
                    continue
            timings.append(_time_phase(module, phase, trainer_for, budget))
    return timings


def _time_phase(module: GANTrainer, phase: Phase, trainer_for: Callable[..., L.Trainer], budget: float) -> Timing:
    begun, unit = time.perf_counter(), max(SMALL, getattr(module.discriminator, "group", 1))
    small = min(unit, phase.batch_size)
    (first,) = _run(module, phase, trainer_for, small, 1)
    cycle = math.lcm(getattr(module.objective, "every", 1), module.discriminator_steps)  # steps that differ in work
    count = max(cycle, 2)
    affordable = int((budget - (time.perf_counter() - begun)) / ((count + 1) * first / small))
    size = min(phase.batch_size, affordable // unit * unit)
    if size < small:
        return Timing(first / small, small)
    return Timing(sum(_run(module, phase, trainer_for, size, count)) / count / size, size)


def _run(module: GANTrainer, phase: Phase, trainer_for: Callable[..., L.Trainer], size: int, count: int) -> list[float]:
    """Train `count` steps with `size` images in this phase, past `warmup_images`; return how long each took.

    One more goes before them: kernels are chosen, compiled and given memory in it.
    """
    module.growth = Growth([Phase(phase.resolution, size, 0, 10**12)])
    turns = math.lcm(getattr(module.objective, "every", 1), module.discriminator_steps)
    module.images_seen = -(-module.warmup_images // (size * turns)) * size * turns
    watch = _Stopwatch(module.images_seen)
    trainer = trainer_for(
        callbacks=[watch], logger=False, devices=1, strategy="auto", num_nodes=1, max_epochs=1,
        enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    batch = _random_batch(size, phase.resolution, len(module.schema))
    trainer.fit(module, DataLoader([batch] * (count + 1), batch_size=None, collate_fn=as_is))  # type: ignore[arg-type]
    return watch.seconds


def _random_batch(n: int, size: int, keypoints: int) -> FaceBatch:
    images = torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8)
    return FaceBatch(images, torch.tensor([[0.25, 0.25, 0.75, 0.75]]).repeat(n, 1), torch.rand(n, keypoints, 2))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's announcements of each of the short runs."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
