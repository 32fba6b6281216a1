"""Training of a narrower generator that is to draw what a trained one draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deepanon.checks import check_count, check_switch, check_weight
from deepanon.crops import Crops
from deepanon.data.batch import FaceBatch
from deepanon.errors import ModelError, OptionError, SchemaError
from deepanon.files import sha256_of
from deepanon.models import Discriminator
from deepanon.models.losses import scaled_loss
from deepanon.models.narrowing import narrow
from deepanon.training.checkpoint import look
from deepanon.training.module import GANTrainer, Logs
from deepanon.training.start import differing
from deepanon.weights import LoadedGenerator, load_generator, model_path


class Distillation(GANTrainer):
    """Trains a student: the teacher's network with fewer channels, which is to draw the same from the same noise.

    Its first `warmup_images` are learnt from the teacher's pictures alone (L1 at several scales). That leaves it soft,
    because a network that is too small for every stroke draws the mean of several; so the discriminator joins for the
    rest, as in Li et al. 2020 (GAN compression), with the distance to the teacher beside it.

    Args:
        teacher: name of a bundled generator, or path of a generator file.
        judge: checkpoint of the teacher's training, from which the discriminator begins; None begins it from nothing.
        narrowed: begin with the teacher's strongest channels; False begins from nothing.
        likeness: weight of the distance to the teacher's picture once the discriminator has joined.
        scales: at which the distance is taken, each of half the side of the one before.
        decay_images: so many images at the end, over which the learning rate falls linearly to 0.
        options: of `GANTrainer`. The student takes the teacher's arguments, `widths` aside, and learns at its
            resolution from the first image on: `growth` has that one phase.

    Raises:
        FileNotFoundError: there is no such teacher.
        ModelError: teacher and student are of different networks; the message says in what they differ.
        OptionError: options that make no sense here.
        SchemaError: the teacher was trained with other keypoints.
    """

    def __init__(
        self,
        *,
        teacher: str | Path,
        judge: str | Path | None = None,
        narrowed: bool = True,
        likeness: float = 10.0,
        scales: int = 4,
        decay_images: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.likeness, self.scales = check_weight("likeness", likeness), check_count("scales", scales)
        self.decay_images = check_count("decay_images", decay_images, 0)
        if self.reconstruction_weight:
            raise OptionError("reconstruction_weight draws to the originals; a student has likeness, to its teacher")
        path = model_path(teacher)
        self._teacher = _Teacher(load_generator(teacher))
        self.source = {"teacher": Path(teacher).name, "sha256": sha256_of(path)}
        self._check()
        if check_switch("narrowed", narrowed):
            self._begin()
        if judge is not None:
            _advise(self.discriminator, Path(judge))

    @property
    def facts(self) -> dict[str, Any]:
        """For the generator file and its card."""
        return {"distilled_from": self.source, "settings": {"likeness": self.likeness, "scales": self.scales}}

    def training_step(self, batch: FaceBatch, batch_index: int) -> Logs:
        """See `GANTrainer`; the learning rate follows from the images seen."""
        left = self.growth.total_images - self.images_seen
        rate = self.lr * min(1.0, left / self.decay_images) if self.decay_images else self.lr
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = max(rate, 0.0)
        return super().training_step(batch, batch_index)

    def _distance(self, fake: Tensor, real: Tensor, crops: Crops, z: Tensor) -> Tensor:
        """To the teacher's picture."""
        with torch.no_grad():
            wanted = self._teacher.on(self.device)(crops.context, crops.mask, crops.keypoints, z).float()
        return scaled_loss(fake, wanted, crops.mask, self.scales)

    def _reconstruction(self) -> float:
        return self.likeness

    def _check(self) -> None:
        """Raise unless the student can learn from this teacher."""
        name, loaded = self.source["teacher"], self._teacher.loaded
        if loaded.schema != self.schema:
            raise SchemaError(f"the teacher {name} takes keypoints {loaded.schema.name!r}, not {self.schema.name!r}")
        if different := differing(loaded.network, self.generator, but=("widths",)):
            raise ModelError(f"a student must be the teacher's network but for its widths; {name}: {different}")
        if len(self.growth.phases) > 1:
            sizes = ", ".join(str(phase.resolution) for phase in self.growth.phases)
            raise OptionError(
                f"a student learns at its teacher's {self.generator.resolution} px from the first image on; "
                f"growth.phases has {sizes} px: leave that one phase"
            )

    def _begin(self) -> None:
        """Give the student and its average the teacher's strongest channels."""
        try:
            weights = narrow(self._teacher.loaded.network, self.generator.widths).state_dict()
        except ValueError as error:
            raise ModelError(f"{error}; narrowed=false begins from nothing") from error
        for network in (self.generator, self.ema):
            network.load_state_dict(weights)


class _Teacher:
    """No module, so that it is neither trained nor written into checkpoints."""

    def __init__(self, loaded: LoadedGenerator) -> None:
        self.loaded = loaded
        loaded.network.to(memory_format=torch.channels_last)

    def on(self, device: torch.device) -> torch.nn.Module:
        """The network there."""
        return self.loaded.network.to(device)


def _advise(discriminator: Discriminator, path: Path) -> None:
    """Give the discriminator the weights that it had in a training.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ModelError: it is damaged, or of another discriminator.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}: judge is the last.ckpt of the teacher's training")
    look(path)
    stored = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["state_dict"]
    prefix = "discriminator."
    weights = {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}
    try:
        discriminator.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(f"{path} has another discriminator; see model.discriminator: {error}") from error
