"""What training leaves behind: checkpoints, the generator file and a picture of what it draws."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from PIL import Image
from torch import Tensor

from deepanon.checks import check_count, check_switch, check_weight
from deepanon.data.cropset import CropSet
from deepanon.errors import SaveError
from deepanon.files import keep, saving
from deepanon.images import to_uint8
from deepanon.training.batches import prepare
from deepanon.training.checkpoint import WholeFiles
from deepanon.training.record import grown_generator
from deepanon.weights import check_generator, save_generator

log = logging.getLogger(__name__)
LAST, PREVIOUS = "last.ckpt", "previous.ckpt"


class Every(L.Callback):
    """Calls `act` each time another `images` images have been seen, and once at the end."""

    def __init__(self, images: int) -> None:
        self.images = check_count("images", images)
        self._done = 0

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        """Count from where training starts."""
        self._done = module.images_seen // self.images

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Act when a multiple of `images` was passed."""
        if module.images_seen // self.images > self._done:
            self._done = module.images_seen // self.images
            self.act(module)

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        """Act on the final state."""
        self.act(module)

    def act(self, module: Any) -> None:
        """What to do; `module` is the `GANTrainer`."""
        raise NotImplementedError


class TimeLimit(L.Callback):
    """Ends training after so many minutes, whole: at the end of a step, and with a checkpoint.

    The clock starts anew each time training is taken up. (Lightning's own `max_time` goes on counting from the
    checkpoint, and a second stretch would end at once.)

    Args:
        minutes: from the start of the first step; None sets no limit.
    """

    def __init__(self, minutes: float | None = None) -> None:
        self.seconds = math.inf if minutes is None else 60 * check_weight("minutes", minutes, positive=True)
        self._end = 0.0

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        """Start the clock."""
        self._end = time.monotonic() + self.seconds

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Stop when the time is over, all processes after the same step."""
        if trainer.strategy.reduce_boolean_decision(time.monotonic() >= self._end, all=False):
            log.info("stopped after %d images: the time is over; the same command goes on", module.images_seen)
            trainer.should_stop = True


class Checkpoints(Every):
    """Writes `last.ckpt` (everything needed to go on) and `generator.safetensors` (the averaged generator).

    The checkpoint before it stays as `previous.ckpt`. Nothing is written while steps are being left out for want of a
    finite gradient, nor when the generator cannot be stored: a training that went bad must not replace a good state.

    Args:
        folder: where to.
        images: how often.
        training: what the generator file should say of its training, beside the images seen.

    Attributes:
        settings: plain values that checkpoints are to be marked with; None marks them with nothing.
    """

    settings: dict[str, Any] | None = None

    def __init__(self, folder: str | Path, images: int = 20_000, training: dict[str, Any] | None = None) -> None:
        super().__init__(images)
        if training is not None and not isinstance(training, dict):
            raise TypeError(f"training must be a table of facts, got {training!r}")
        self.folder, self.facts = Path(folder), training or {}
        self._written: int | None = None

    def setup(self, trainer: L.Trainer, module: Any, stage: str) -> None:
        """Let checkpoints be written whole or not at all."""
        trainer.strategy.checkpoint_io = WholeFiles()

    def on_save_checkpoint(self, trainer: L.Trainer, module: Any, checkpoint: dict[str, Any]) -> None:
        """Store the settings that the checkpoint was made with."""
        checkpoint["settings"] = self.settings

    def act(self, module: Any) -> None:
        """Write both files, each in one move. Every process takes part, as Lightning wants it, but only one writes.

        Raises:
            ModelError: the generator cannot be stored; what was written before stays.
            SaveError: a file cannot be written.
        """
        if any(module.skipped):
            log.warning("no checkpoint after %d images: steps had no finite gradient lately", module.images_seen)
            return
        generator, first = grown_generator(module), module.trainer.is_global_zero
        check_generator(generator)
        if first and (self.folder / LAST).is_file() and self._written != module.images_seen:
            keep(self.folder / LAST, self.folder / PREVIOUS)
        module.trainer.save_checkpoint(self.folder / LAST, weights_only=False)
        if first:
            save_generator(self.folder / "generator.safetensors", generator)
        self._written = module.images_seen


class SampleGrid(Every):
    """Writes `grid-<images>.png`: a row a held-out face: context, three drawings of it, the original.

    Args:
        data: held-out crops.
        folder: where to.
        images: how often.
        rows: faces shown, spread over the split.
        log: hand it to loggers that take pictures too; one that is online uploads real faces with it.
    """

    def __init__(
        self, data: CropSet, folder: str | Path, images: int = 20_000, rows: int = 12, log: bool = True
    ) -> None:
        super().__init__(images)
        self.folder, self.log, rows = Path(folder), check_switch("log", log), check_count("rows", rows)
        shown = np.linspace(0, len(data) - 1, min(rows, len(data))).astype(int).tolist()
        self.batch = data.read(shown, data.resolution)

    @torch.no_grad()
    def act(self, module: Any) -> None:
        """Draw with the averaged generator and the same noise each time; one process does it for all."""
        if not module.trainer.is_global_zero:
            return
        state = module.growth.at(max(module.images_seen - 1, 0))
        real, crops = prepare(self.batch.to(module.device), module.schema, state)
        rng = torch.Generator().manual_seed(0)
        columns = [crops.context]
        for _ in range(3):
            z = torch.randn(len(real), module.ema.noise, 4, 4, generator=rng).to(real.device)
            columns.append(module.ema(crops.context, crops.mask, crops.keypoints, z, alpha=state.alpha))
        zoom = max(1, 128 // state.resolution)
        sheet = tile([*columns, real]).repeat(zoom, axis=0).repeat(zoom, axis=1)
        try:
            with saving(self.folder / f"grid-{module.images_seen:08d}.png") as temporary:
                Image.fromarray(sheet).save(temporary)
            for logger in module.trainer.loggers if self.log else ():
                show(logger, sheet, module.images_seen)
        except (SaveError, OSError) as error:  # a picture is not worth a training run
            log.warning("no sample grid: %s", error)


def show(logger: Any, sheet: np.ndarray[Any, Any], images_seen: int) -> None:
    """Hand a picture (H, W, 3) uint8 to a logger that takes pictures."""
    if isinstance(logger, WandbLogger):
        logger.log_image("samples", [sheet], step=images_seen)
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image("samples", sheet, images_seen, dataformats="HWC")


def tile(columns: list[Tensor]) -> np.ndarray[Any, Any]:
    """Columns of N crops (N, 3, S, S) in [-1, 1] -> one picture (N*S, columns*S, 3) uint8."""
    cells = np.stack([to_uint8(column) for column in columns], axis=1)  # N,C,S,S,3
    n, c, s = cells.shape[:3]
    return cells.transpose(0, 2, 1, 3, 4).reshape(n * s, c * s, 3)
