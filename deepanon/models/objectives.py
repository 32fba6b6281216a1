"""What the two networks play for: losses and penalties put together."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from deepanon.checks import check_count, check_switch, check_weight
from deepanon.models import losses
from deepanon.models.losses import Judge


class Objective(ABC):
    """Losses of both networks for one batch."""

    @abstractmethod
    def discriminator(
        self, judge: Judge, exact: Judge, real: Tensor, fake: Tensor, mask: Tensor, epsilon: Tensor, turn: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of the discriminator and what to log.

        Args:
            judge: scores crops.
            exact: the same, twice differentiable, for penalties.
            real: (N, 3, S, S) in [-1, 1].
            fake: (N, 3, S, S), without a graph.
            mask: (N, 1, S, S), 1 = hidden.
            epsilon: (N, 1, 1, 1) uniform in [0, 1].
            turn: number of the batch, for what is not done in each.
        """

    @abstractmethod
    def generator(self, judge: Judge, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the generator; arguments as above, `fake` with its graph."""


class WassersteinGP(Objective):
    """WGAN-GP with a drift penalty, as DeepPrivacy trains.

    Args:
        penalty_weight: of the gradient penalty (λ).
        drift_weight: of the squared score of real crops. DeepPrivacy's second version ignored its configured weight.
        masked: take the penalty's norm over hidden pixels only; the paper takes the whole crop.
    """

    def __init__(self, penalty_weight: float = 10.0, drift_weight: float = 0.001, masked: bool = False) -> None:
        self.penalty_weight = check_weight("penalty_weight", penalty_weight)
        self.drift_weight = check_weight("drift_weight", drift_weight)
        self.masked = check_switch("masked", masked)

    def discriminator(
        self, judge: Judge, exact: Judge, real: Tensor, fake: Tensor, mask: Tensor, epsilon: Tensor, turn: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Objective`."""
        real_scores, fake_scores = judge(real), judge(fake)
        penalty = losses.gradient_penalty(exact, real, fake, epsilon, mask if self.masked else None)
        loss = losses.critic_loss(real_scores, fake_scores)
        loss = loss + self.penalty_weight * penalty + self.drift_weight * losses.drift_penalty(real_scores)
        return loss, _scores(real_scores, fake_scores) | {"discriminator/penalty": penalty}

    def generator(self, judge: Judge, real: Tensor, fake: Tensor) -> Tensor:
        """See `Objective`."""
        return losses.generator_loss(judge(fake))


class NonSaturating(Objective):
    """Logistic loss with zero-centred gradient penalties, computed on every so many batches only.

    Args:
        r1_weight: γ at 32 px of the penalty at real crops, γ/2 · E||∇D(x)||². At S px it is γ · (S/32)², because the
            same picture with twice the side has a quarter of the squared gradient norm.
        r2_weight: the same at drawn crops; 0 leaves it out.
        every: batches from one penalty to the next ("lazy regularisation", Karras et al. 2020); its weight is
            multiplied by this, so that its sum stays the same.
        relativistic: score real against drawn crops of the same context (R3GAN, Huang et al. 2024), not each alone.
    """

    def __init__(
        self, r1_weight: float = 0.02, r2_weight: float = 0.0, every: int = 4, relativistic: bool = False
    ) -> None:
        self.r1_weight, self.r2_weight = check_weight("r1_weight", r1_weight), check_weight("r2_weight", r2_weight)
        self.every, self.relativistic = check_count("every", every), check_switch("relativistic", relativistic)

    def discriminator(
        self, judge: Judge, exact: Judge, real: Tensor, fake: Tensor, mask: Tensor, epsilon: Tensor, turn: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Objective`."""
        real_scores, fake_scores = judge(real), judge(fake)
        logs = _scores(real_scores, fake_scores)
        if self.relativistic:
            loss = losses.relativistic_loss(real_scores, fake_scores)
        else:
            loss = losses.non_saturating_discriminator_loss(real_scores, fake_scores)
        if turn % self.every == 0:
            for name, weight, images in (("r1", self.r1_weight, real), ("r2", self.r2_weight, fake)):
                if weight:
                    logs[f"discriminator/{name}"] = penalty = losses.zero_centred_penalty(exact, images)
                    loss = loss + weight / 2 * self.every * (real.shape[-1] / 32) ** 2 * penalty
        return loss, logs

    def generator(self, judge: Judge, real: Tensor, fake: Tensor) -> Tensor:
        """See `Objective`."""
        if self.relativistic:
            return losses.relativistic_loss(judge(fake), judge(real).detach())
        return losses.non_saturating_generator_loss(judge(fake))


def _scores(real_scores: Tensor, fake_scores: Tensor) -> dict[str, Tensor]:
    return {"discriminator/real": real_scores.mean(), "discriminator/fake": fake_scores.mean()}
