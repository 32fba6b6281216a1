"""What training measures: averages of what its steps report, speed and memory, in every logger, by images seen."""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections import defaultdict
from typing import Any

import lightning as L
import torch
from torch import Tensor

from deepanon.checks import check_count
from deepanon.models.growth import GrowthState

GIB = 2**30
log = logging.getLogger(__name__)


class Metrics(L.Callback):
    """Writes one entry each time another `images` images were seen; the names are in docs/training.md.

    What the steps report stays on the device until then. Entries of several processes are averaged, and the first
    process writes them. To be the last of the callbacks: what lies between it and the next batch is the wait for data.

    Args:
        images: how often.
    """

    def __init__(self, images: int = 2_000) -> None:
        self.images = check_count("images", images)

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        """Count from where training starts."""
        self._forget(module)
        self._ended = time.perf_counter()

    def on_train_batch_start(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Note how long the batch was waited for, and where in the schedule it is."""
        self._state = module.growth.at(module.images_seen)
        self._waited += time.perf_counter() - self._ended

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, *_: Any) -> None:
        """Add what the step reports, and write when it is time."""
        names, values = tuple(outputs), torch.stack([value.float() for value in outputs.values()])
        good = torch.isfinite(values)
        row = torch.stack([torch.where(good, values, 0.0), good.float(), 1 - good.float()])
        self._sums[names] = self._sums[names] + row if names in self._sums else row
        if module.images_seen // self.images > self._start // self.images:
            self._write(trainer, module)
        self._ended = time.perf_counter()

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        """Write what is left."""
        if module.images_seen > self._start:
            self._write(trainer, module)

    def _write(self, trainer: L.Trainer, module: Any) -> None:
        entry = self._averages(trainer.strategy) | self._speed(trainer.strategy, module) | _place(self._state)
        try:
            for logger in trainer.loggers:
                logger.log_metrics(entry, step=module.images_seen)
                logger.save()  # the stock loggers keep entries until Lightning's own clock strikes
        except OSError as error:
            log.warning("an entry of the log could not be written (%s); training goes on", error)
        self._forget(module)

    def _averages(self, strategy: Any) -> dict[str, float]:
        """Mean of every reported value over steps and processes, and how many steps were left out."""
        keys = sorted(self._sums)
        if not keys:
            return {}
        table = strategy.reduce(torch.cat([self._sums[key] for key in keys], 1), reduce_op="mean")
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for name, column in zip((name for key in keys for name in key), table.T.tolist(), strict=True):
            sums[name] = [a + b for a, b in zip(sums[name], column, strict=True)]
        means = {name: total / count for name, (total, count, _) in sums.items() if count}
        left_out = {n.replace("/gradient", "/skipped"): v[2] for n, v in sums.items() if n.endswith("/gradient")}
        return means | left_out

    def _speed(self, strategy: Any, module: Any) -> dict[str, float]:
        """Images a second of all processes; of the process with the most, share of time waiting, and peak memory."""
        took = time.perf_counter() - self._began
        mine = torch.tensor([self._waited / took, peak_memory(module.device) / GIB], device=module.device)
        waiting, memory = strategy.reduce(mine, reduce_op="max").tolist()
        speed = (module.images_seen - self._start) / took
        return {"speed/images_per_second": speed, "speed/data_wait": waiting, "memory/peak_gib": memory}

    def _forget(self, module: Any) -> None:
        self._sums: dict[tuple[str, ...], Tensor] = {}  # sums, finite values and others of steps that report the same
        self._start, self._began, self._waited = module.images_seen, time.perf_counter(), 0.0


def peak_memory(device: torch.device) -> int:
    """Most bytes that this process has held at once: on a GPU of its tensors, else of the whole process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _place(state: GrowthState) -> dict[str, float]:
    """Where in the schedule the last batch was."""
    place = {"resolution": state.resolution, "alpha": state.alpha, "batch_size": state.batch_size}
    return {f"growth/{name}": value for name, value in place.items()}
