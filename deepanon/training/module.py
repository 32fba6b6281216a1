"""The training step: one critic step and one generator step a batch, on a clock that counts images."""

from __future__ import annotations

import copy
import math
from typing import Any

import lightning as L
import torch
from torch import Tensor

from deepanon.crops import Crops
from deepanon.data.crops import FaceBatch
from deepanon.detections import schema_for
from deepanon.models import Discriminator, Generator, Growth
from deepanon.models.growth import GrowthState
from deepanon.models.layers import check_count
from deepanon.models.losses import critic_loss, drift_penalty, generator_loss, gradient_penalty, reconstruction_loss
from deepanon.training.batches import Augmentation, augment, hide_more, prepare


class GANTrainer(L.LightningModule):
    """Trains a progressive generator with WGAN-GP, as DeepPrivacy does.

    Args:
        generator: network to train; `ema` holds its moving average, which is what ships.
        discriminator: its critic.
        growth: schedule of resolutions, batch sizes and fades, in images.
        schema: name of the keypoint schema of the data.
        augmentation: what is varied.
        lr: Adam's learning rate for both networks.
        betas: Adam's betas.
        penalty_weight: of the gradient penalty.
        drift_weight: of the squared score of real crops.
        ema_half_life: images after which a weight counts half in the average.
        reconstruction_weight: of the L1 distance to the original at the start; falls linearly to 0 …
        reconstruction_images: … over so many images. The paper has no such term (weight 0).
        critic_steps: batches the critic learns from for each one that the generator learns from; 1 in the paper, 5 in
            WGAN-GP's. A generator that is faster than its critic learns nothing from it.
        warmup_images: so many images first are learnt by that distance alone, which costs a third of a full step; the
            critic joins afterwards. 0 in the paper.
        seed: of noise, augmentation and interpolation; with the images seen it fixes every draw.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        growth: Growth,
        schema: str = "five",
        augmentation: Augmentation | None = None,
        lr: float = 0.00175,
        betas: tuple[float, float] = (0.0, 0.99),
        penalty_weight: float = 10.0,
        drift_weight: float = 0.001,
        ema_half_life: float = 10_000,
        reconstruction_weight: float = 0.0,
        reconstruction_images: int = 0,
        critic_steps: int = 1,
        warmup_images: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.schema = schema_for(schema)
        _check_networks(generator, discriminator, growth, len(self.schema))
        _check_numbers(True, lr=lr, ema_half_life=ema_half_life)
        if not isinstance(betas, list | tuple) or len(betas) != 2:
            raise TypeError(f"betas must be two numbers, got {betas!r}")
        _check_numbers(False, beta1=betas[0], beta2=betas[1], penalty_weight=penalty_weight, drift_weight=drift_weight)
        _check_numbers(False, reconstruction_weight=reconstruction_weight, seed=seed, warmup_images=warmup_images)
        _check_numbers(False, reconstruction_images=reconstruction_images)
        self.critic_steps = check_count("critic_steps", critic_steps)
        if max(betas) >= 1:
            raise ValueError(f"betas must lie below 1, got {betas}")
        if augmentation is not None and not isinstance(augmentation, Augmentation):
            raise TypeError(f"augmentation must be an `Augmentation`, got {augmentation!r}")
        self.automatic_optimization = False
        self.generator = generator
        self.discriminator = discriminator
        self.ema = copy.deepcopy(generator).requires_grad_(False).eval()
        self.growth, self.augmentation = growth, augmentation or Augmentation()
        self.lr, self.betas, self.ema_half_life, self.seed = lr, (float(betas[0]), float(betas[1])), ema_half_life, seed
        self.penalty_weight, self.drift_weight = penalty_weight, drift_weight
        self.reconstruction_weight, self.reconstruction_images = reconstruction_weight, reconstruction_images
        self.warmup_images = warmup_images
        self.images_seen = 0
        self.to(memory_format=torch.channels_last)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for the generator, then Adam for the critic."""
        return [torch.optim.Adam(net.parameters(), self.lr, self.betas) for net in (self.generator, self.discriminator)]

    def training_step(self, batch: FaceBatch, batch_index: int) -> None:
        """One critic step and, every `critic_steps` batches, one generator step."""
        state = self.growth.at(self.images_seen)
        rng = torch.Generator().manual_seed(self.seed * 1_000_003 + self.images_seen)
        batch = augment(batch, self.schema, self.augmentation, rng)
        real, crops = prepare(batch, self.schema, state)
        crops = hide_more(crops, self.augmentation.second_hole, rng)
        z = torch.randn(len(real), self.generator.noise, 4, 4, generator=rng).to(real.device)
        epsilon = torch.rand(len(real), 1, 1, 1, generator=rng).to(real.device)
        warming_up = self.images_seen < self.warmup_images
        generator_too = warming_up or self.images_seen // len(real) % self.critic_steps == 0
        with torch.set_grad_enabled(generator_too):
            fake = self._draw(self.generator, crops, z, state)
        logs = {} if warming_up else self._critic_step(real, fake.detach(), crops, epsilon, state)
        if generator_too:
            logs |= self._generator_step(real, fake, crops, state, adversarial=not warming_up)
        self._advance(len(real))
        self.log_dict(logs | {"resolution": float(state.resolution), "alpha": state.alpha})
        self.log("images_seen", float(self.images_seen), prog_bar=True)

    def _draw(self, network: Generator, crops: Crops, z: Tensor, state: GrowthState) -> Tensor:
        drawn: Tensor = network(crops.context, crops.mask, crops.keypoints, z, alpha=state.alpha)
        return drawn

    def _critic_step(
        self, real: Tensor, fake: Tensor, crops: Crops, epsilon: Tensor, state: GrowthState
    ) -> dict[str, Tensor]:
        def critic(image: Tensor) -> Tensor:
            scores: Tensor = self.discriminator(image, crops.context, crops.mask, crops.keypoints, alpha=state.alpha)
            return scores

        real_scores, fake_scores = critic(real), critic(fake)
        penalty = gradient_penalty(critic, real, fake, epsilon)
        drift = drift_penalty(real_scores)
        wasserstein = critic_loss(real_scores, fake_scores)
        self._step(1, wasserstein + self.penalty_weight * penalty + self.drift_weight * drift)
        return {
            "critic/real": real_scores.mean(),
            "critic/fake": fake_scores.mean(),
            "critic/penalty": penalty,
            "critic/distance": -wasserstein,
        }

    def _generator_step(
        self, real: Tensor, fake: Tensor, crops: Crops, state: GrowthState, *, adversarial: bool
    ) -> dict[str, Tensor]:
        distance = reconstruction_loss(fake, real, crops.mask)
        if not adversarial:
            self._step(0, distance)
            return {"generator/l1": distance}
        self.discriminator.requires_grad_(False)
        scores = self.discriminator(fake, crops.context, crops.mask, crops.keypoints, alpha=state.alpha)
        loss = generator_loss(scores)
        self._step(0, loss + self._reconstruction() * distance)
        self.discriminator.requires_grad_(True)
        return {"generator/adversarial": loss, "generator/l1": distance}

    def _reconstruction(self) -> float:
        """Current weight of the reconstruction term."""
        if not self.reconstruction_images:
            return 0.0
        return self.reconstruction_weight * max(0.0, 1 - self.images_seen / self.reconstruction_images)

    def _step(self, which: int, loss: Tensor) -> None:
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"loss is {loss.item()} after {self.images_seen} images; the last checkpoint is good"
            )
        optimizers[which].zero_grad()
        self.manual_backward(loss)
        optimizers[which].step()

    @torch.no_grad()
    def _advance(self, images: int) -> None:
        """Count the images, follow the generator with its average, forget Adam's moments when a resolution is added."""
        decay = 0.5 ** (images / self.ema_half_life)
        for average, weight in zip(self.ema.parameters(), self.generator.parameters(), strict=True):
            average.lerp_(weight, 1 - decay)
        before = self.growth.at(self.images_seen).index
        self.images_seen += images
        if self.growth.at(self.images_seen).index != before:
            optimizers = self.optimizers()
            assert isinstance(optimizers, list)
            for optimizer in optimizers:
                optimizer.optimizer.state.clear()

    def on_train_start(self) -> None:
        """Use this run's learning rate, also where a checkpoint brought back another."""
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.lr

    def on_train_epoch_end(self) -> None:
        """Stop when the schedule has ended; Lightning, whose epochs mean nothing here, would begin another."""
        if self.images_seen >= self.growth.total_images:
            self.trainer.should_stop = True

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the clock."""
        checkpoint["images_seen"] = self.images_seen

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Set the clock."""
        self.images_seen = checkpoint["images_seen"]


def _check_networks(generator: Generator, discriminator: Discriminator, growth: Growth, keypoints: int) -> None:
    for value, kind in ((generator, Generator), (discriminator, Discriminator), (growth, Growth)):
        if not isinstance(value, kind):
            raise TypeError(f"{kind.__name__.lower()} must be a `{kind.__name__}`, got {value!r}")
    if generator.resolution != growth.final_resolution:
        raise ValueError(f"generator is {generator.resolution} px but growth ends at {growth.final_resolution} px")
    if discriminator.resolution < growth.final_resolution:
        raise ValueError(f"discriminator is {discriminator.resolution} px, growth ends at {growth.final_resolution} px")
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if network.keypoints != keypoints:
            raise ValueError(f"{name} takes {network.keypoints} keypoints but the schema has {keypoints}")


def _check_numbers(positive: bool, **numbers: float) -> None:
    """Raise `TypeError` or `ValueError` naming the first that is no finite number >= 0, or > 0 if `positive`."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number, got {value!r}")
        if not math.isfinite(value) or value < 0 or (positive and value == 0):
            raise ValueError(f"{name} must be finite and {'positive' if positive else '0 or more'}, got {value}")
