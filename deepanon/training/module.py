"""The training step: one discriminator step and one generator step a batch, on a clock that counts images."""

from __future__ import annotations

import copy
from typing import Any

import lightning as L
import torch
from torch import Tensor

from deepanon.checks import check_count, check_kind, check_switch, check_weight
from deepanon.crops import Crops
from deepanon.data.batch import FaceBatch
from deepanon.detections import schema_for
from deepanon.errors import OptionError
from deepanon.models import Discriminator, Generator, Growth, Objective, WassersteinGP
from deepanon.models.growth import GrowthState
from deepanon.models.layers import Fade
from deepanon.models.losses import Judge, reconstruction_loss
from deepanon.training.average import follow, ramped
from deepanon.training.batches import Augmentation, augment, hide_more, prepare
from deepanon.training.checks import check_betas, check_networks, check_precision
from deepanon.training.diffaugment import DiffAugment
from deepanon.training.diversity import Diversity
from deepanon.training.draws import Draws, Share
from deepanon.training.judges import judges, still
from deepanon.training.processes import check_shares
from deepanon.training.record import record

Logs = dict[str, Tensor]
GENERATOR, DISCRIMINATOR = 0, 1  # places of the optimizers
AMENDS = 10  # steps that a network takes to make up for one that was left out


class GANTrainer(L.LightningModule):
    """Trains a progressive generator against a discriminator.

    Args:
        generator: network to train; `ema` holds its moving average, which is what ships.
        discriminator: its opponent.
        growth: schedule of resolutions, batch sizes (of all processes together) and fades, in images.
        objective: what the two play for; None is DeepPrivacy's WGAN-GP.
        schema: name of the keypoint schema of the data.
        augmentation: what is varied in the data.
        floor_boxes: see `prepare`.
        diffaugment: what is varied in front of the discriminator; None, as in the paper, varies nothing.
        diversity: what keeps noise from being ignored; None, as in the paper, nothing.
        lr: Adam's learning rate for both networks.
        betas: Adam's betas.
        ema_half_life: images after which a weight counts half in the average.
        ema_rampup: bound of the half-life, a share of the images since the last growth; None, as in the paper, is none.
        gradient_clip: largest norm of a network's gradient; None does not clip.
        reconstruction_weight: of the L1 distance to the original at the start; falls linearly to 0 …
        reconstruction_images: … over so many images. The paper has no such term (weight 0).
        discriminator_steps: batches the discriminator learns from for each one that the generator learns from; 1 in the
            paper, 5 in WGAN-GP's.
        warmup_images: so many images first are learnt by that distance alone, in a third of the time; 0 in the paper.
        frozen_images: so many images first only the discriminator learns: for a generator that begins from a file.
        skips: steps of a network in a row that may be left out for want of a finite gradient; one more ends training,
            and so does more than one in eleven for long: each is made up for by ten steps taken.
        compile: run both networks through `torch.compile` (penalties excepted: it cannot differentiate twice).
        seed: of noise, augmentation and interpolation; with the images seen it fixes every draw.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        growth: Growth,
        objective: Objective | None = None,
        schema: str = "five",
        augmentation: Augmentation | None = None,
        floor_boxes: bool = False,
        diffaugment: DiffAugment | None = None,
        diversity: Diversity | None = None,
        lr: float = 0.00175,
        betas: tuple[float, float] = (0.0, 0.99),
        ema_half_life: float = 10_000,
        ema_rampup: float | None = None,
        gradient_clip: float | None = None,
        reconstruction_weight: float = 0.0,
        reconstruction_images: int = 0,
        discriminator_steps: int = 1,
        warmup_images: int = 0,
        frozen_images: int = 0,
        skips: int = 10,
        compile: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.schema = schema_for(schema)
        self.objective, self.diffaugment, self.diversity = objective or WassersteinGP(), diffaugment, diversity
        self.augmentation = augmentation or Augmentation()
        check_kind("objective", self.objective, Objective)
        check_kind("augmentation", self.augmentation, Augmentation)
        for name, value, kind in (("diffaugment", diffaugment, DiffAugment), ("diversity", diversity, Diversity)):
            check_kind(name, kind() if value is None else value, kind)
        check_networks(generator, discriminator, growth, len(self.schema))
        self.automatic_optimization = False
        self.generator, self.discriminator, self.growth = generator, discriminator, growth
        self.ema = copy.deepcopy(generator).requires_grad_(False).eval()
        self.lr, self.betas = check_weight("lr", lr, positive=True), check_betas(betas)
        self.ema_half_life = check_weight("ema_half_life", ema_half_life, positive=True)
        self.ema_rampup, self.gradient_clip = ema_rampup, gradient_clip
        if ema_rampup is not None:
            check_weight("ema_rampup", ema_rampup, positive=True)
        if gradient_clip is not None:
            check_weight("gradient_clip", gradient_clip, positive=True)
        self.reconstruction_weight = check_weight("reconstruction_weight", reconstruction_weight)
        self.reconstruction_images = check_count("reconstruction_images", reconstruction_images, 0)
        if bool(reconstruction_weight) != bool(reconstruction_images):
            raise OptionError("reconstruction_weight and reconstruction_images do nothing one without the other")
        self.discriminator_steps = check_count("discriminator_steps", discriminator_steps)
        self.warmup_images = check_count("warmup_images", warmup_images, 0)
        self.frozen_images, self.skips = check_count("frozen_images", frozen_images, 0), check_count("skips", skips, 0)
        if warmup_images and frozen_images:
            raise OptionError("warmup_images begin with the generator alone, frozen_images without it: choose one")
        self.compile_networks, self.seed = check_switch("compile", compile), check_count("seed", seed, 0)
        self.floor_boxes = check_switch("floor_boxes", floor_boxes)
        self.images_seen, self.skipped = 0, [0, 0]  # steps that are to make up for those left out, a network each
        self.to(memory_format=torch.channels_last)

    def setup(self, stage: str) -> None:
        """Refuse precisions and ways of sharing the work that would fail later, or train something else."""
        check_precision(str(self.trainer.precision))
        check_shares(self.trainer.strategy, self.growth, getattr(self.discriminator, "group", 1))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for the generator, then Adam for the discriminator."""
        return [torch.optim.Adam(net.parameters(), self.lr, self.betas) for net in (self.generator, self.discriminator)]

    def training_step(self, batch: FaceBatch, batch_index: int) -> Logs:
        """One discriminator step and, every `discriminator_steps` batches, one generator step."""
        state, share = self.growth.at(self.images_seen), Share(self.global_rank, self.trainer.world_size)
        draws = Draws(self.seed, self.images_seen, len(batch.images), self.device, share)
        batch = augment(batch, self.schema, self.augmentation, draws)
        real, crops = prepare(batch, self.schema, state, floor_boxes=self.floor_boxes)
        crops = hide_more(crops, self.augmentation, draws)
        z = draws.normal(self.generator.noise, 4, 4)
        turn, warming_up = self.images_seen // state.batch_size, self.images_seen < self.warmup_images
        generator_too = warming_up or (self.images_seen >= self.frozen_images and turn % self.discriminator_steps == 0)
        with torch.set_grad_enabled(generator_too):
            fake = self.generator(crops.context, crops.mask, crops.keypoints, z, alpha=self._fade(state)).float()
        judge, exact = judges(self.discriminator, crops, self.diffaugment, draws, self._fade(state), state.alpha)
        logs: Logs = {}
        if not warming_up:
            epsilon = draws.uniform(1, 1, 1)
            loss, logs = self.objective.discriminator(judge, exact, real, fake.detach(), crops.mask, epsilon, turn)
            logs |= {"discriminator/loss": loss, "discriminator/gradient": self._step(DISCRIMINATOR, loss)}
        distance = self._distance(fake, real, crops, z) if generator_too else None
        if distance is not None and warming_up:
            logs |= {"generator/l1": distance, "generator/gradient": self._step(GENERATOR, distance)}
        elif distance is not None:
            other = None
            if self.diversity and self.diversity.due(turn):
                noise = draws.normal(self.generator.noise, 4, 4)
                other = self.generator(crops.context, crops.mask, crops.keypoints, noise, alpha=self._fade(state))
            logs |= self._generator_step(judge, real, fake, crops.mask, distance, other)
        self._advance(len(real) * share.world)
        return {name: value.detach() for name, value in logs.items()}

    def _fade(self, state: GrowthState) -> Fade:
        """The fade weight as the networks take it: a tensor if they are compiled, lest they be so for each weight."""
        if not self.compile_networks or state.alpha == 1:
            return state.alpha
        return torch.tensor(state.alpha, device=self.device)

    def _distance(self, fake: Tensor, real: Tensor, crops: Crops, z: Tensor) -> Tensor:
        """How far what was drawn of `crops` from `z` is from what it is to resemble: here the original. -> scalar."""
        return reconstruction_loss(fake, real, crops.mask)

    def _generator_step(
        self, judge: Judge, real: Tensor, fake: Tensor, mask: Tensor, distance: Tensor, other: Tensor | None
    ) -> Logs:
        """Let the generator learn from the discriminator; `other` are drawings of the same crops from other noise."""
        with still(self.discriminator):
            loss = self.objective.generator(judge, real, fake)
            logs = {"generator/loss": loss, "generator/l1": distance}
            total = loss + self._reconstruction() * distance
            if other is not None and self.diversity is not None:
                total = total + self.diversity.loss(fake, other.float(), mask)
                logs["generator/diversity"] = self.diversity.apart(fake, other.float(), mask).mean()
            return logs | {"generator/gradient": self._step(GENERATOR, total)}

    def _reconstruction(self) -> float:
        """Current weight of the reconstruction term."""
        return self.reconstruction_weight * max(0.0, 1 - self.images_seen / max(self.reconstruction_images, 1))

    def _step(self, which: int, loss: Tensor) -> Tensor:
        """Let one network learn; a gradient that is not finite is left out. Returns the gradient's norm."""
        optimizer = self.optimizers()[which]  # type: ignore[index]
        optimizer.zero_grad()
        with torch.autocast(self.device.type, enabled=False):  # the backward pass of penalties is float32 too
            self.manual_backward(loss)
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if not torch.isfinite(norm):
            self.skipped[which] += AMENDS
            if self.skipped[which] > AMENDS * self.skips:
                raise FloatingPointError(
                    f"more than {self.skips} steps in a row, or more than one in {AMENDS + 1}, had no finite gradient, "
                    f"the last after {self.images_seen} images (loss {loss.item()}); go on with a lower lr"
                )
            return norm
        self.skipped[which] = max(0, self.skipped[which] - 1)
        if self.gradient_clip is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, self.gradient_clip, norm)
        optimizer.step()
        return norm

    def _advance(self, images: int) -> None:
        """Count the images, follow the generator with its average, forget Adam's moments when a resolution is added."""
        half_life = ramped(self.ema_half_life, self.growth.since(self.images_seen), self.ema_rampup)
        follow(self.ema, self.generator, images, half_life)
        before = self.growth.at(self.images_seen).index
        self.images_seen += images
        if self.growth.at(self.images_seen).index != before:
            for optimizer in self.trainer.optimizers:
                optimizer.state.clear()
            if self.compile_networks:
                torch.compiler.reset()  # the last resolution's code is of no more use, and how much is kept is limited

    def on_fit_start(self) -> None:
        """Compile what is to be compiled, once the networks are where they will run."""
        if self.compile_networks:
            for network in (self.generator, self.discriminator):
                network.compile(dynamic=False)

    def on_train_start(self) -> None:
        """Use this run's learning rate and betas, also where a checkpoint brought back others."""
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group.update(lr=self.lr, betas=self.betas)

    def on_train_epoch_end(self) -> None:
        """Stop when the schedule has ended; Lightning, whose epochs mean nothing here, would begin another."""
        if self.images_seen >= self.growth.total_images:
            self.trainer.should_stop = True

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the clock, the steps left out, and what the generator can be rebuilt from without a configuration."""
        checkpoint["images_seen"], checkpoint["skipped"] = self.images_seen, list(self.skipped)
        checkpoint["deepanon"] = record(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Set the clock and the steps left out."""
        self.images_seen = checkpoint["images_seen"]
        self.skipped = list(checkpoint.get("skipped", self.skipped))  # absent from older checkpoints
