"""Checkpoint files: written whole or not at all, and looked at before training goes on from one.

No second checkpoint is kept: a new one takes the old one's place in a single move, once it is on the disk, so that
there is a whole one at any moment.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from deepanon.errors import ModelError
from deepanon.files import saving
from deepanon.models import Growth, Phase


class WholeFiles(TorchCheckpointIO):
    """Writes beside the file that is replaced; Lightning's own way is by the system's temporary folder."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write `checkpoint` to `path`.

        Raises:
            SaveError: it cannot be written; what was there stays.
        """
        stream = io.BytesIO()  # torch's own writer turns a full disk into an error without a reason
        torch.save(checkpoint, stream)
        with saving(path) as temporary:
            temporary.write_bytes(stream.getbuffer())


@dataclass(frozen=True)
class Stored:
    """What is to be known of a checkpoint before training goes on from it.

    Attributes:
        path: of the file.
        images_seen: its clock.
        settings: those it was made with; None if nobody said.
        shapes: of all weights, by name.
        growth: the schedule it was made with.
        crops: how many train and are held out, as `FaceData.counts`; None if its data did not say.
    """

    path: Path
    images_seen: int
    settings: dict[str, Any] | None
    shapes: dict[str, tuple[int, ...]]
    growth: Growth
    crops: dict[str, int] | None

    def check_model(self, module: Any) -> None:
        """Raise `ModelError` unless the `GANTrainer` has the layers that were stored, and has grown as far."""
        wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
        wrong = [name for name in {**wanted, **self.shapes} if self.shapes.get(name) != wanted.get(name)]
        if wrong:
            name = next((name for name in wrong if not name.startswith("ema.")), wrong[0])
            there, here = (f"{table[name]}" if name in table else "missing" for table in (self.shapes, wanted))
            raise ModelError(
                f"{self.path} is of another model: {name} is {there} there and {here} here; "
                f"see model.{name.partition('.')[0]}, or choose another output="
            )
        last = max(self.images_seen - 1, 0)
        was, would = (growth.at(last).resolution for growth in (self.growth, module.growth))
        if was != would:
            raise ModelError(
                f"{self.path} was at {was} px after {self.images_seen:,} images, model.growth.phases would be at "
                f"{would} px: only what is still to come of a schedule may be changed; or choose another output="
            )


def look(path: Path) -> Stored:
    """Look at the checkpoint at `path`, all of it.

    Raises:
        ModelError: the file is damaged, or no checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"{damaged} is not what was written")
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        shapes = {name: tuple(value.shape) for name, value in stored["state_dict"].items()}
        facts = stored["deepanon"]["training"]
        growth = Growth([Phase(**phase) for phase in facts["schedule"]])
        return Stored(path, int(stored["images_seen"]), stored.get("settings"), shapes, growth, facts.get("crops"))
    except (
        zipfile.BadZipFile,
        pickle.UnpicklingError,
        RuntimeError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
    ) as error:
        raise ModelError(
            f"{path} is no usable checkpoint ({error}); put a copy of it back, or remove it to start from nothing"
        ) from error
