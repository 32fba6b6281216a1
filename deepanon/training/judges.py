"""The discriminator with the condition of one batch fixed, so that it judges pictures alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from deepanon.crops import Crops
from deepanon.models import Discriminator
from deepanon.models.layers import Fade
from deepanon.models.losses import Judge
from deepanon.training.diffaugment import DiffAugment
from deepanon.training.draws import Draws


def judges(
    discriminator: Discriminator, crops: Crops, diffaugment: DiffAugment | None, draws: Draws, fade: Fade, alpha: float
) -> tuple[Judge, Judge]:
    """Two ways to score pictures of `crops`, all of them varied alike.

    Args:
        discriminator: perhaps compiled.
        crops: what is known of each picture.
        diffaugment: what is varied in front of it; None varies nothing.
        draws: of the batch.
        fade: fade weight as a compiled network takes it.
        alpha: the same as a number.

    Returns:
        Scores in mixed precision and compiled if training is; and those that penalties are taken of, as plain PyTorch
        computes them, because they are differentiated twice.
    """
    numbers = diffaugment.draw(draws) if diffaugment else None

    def view(image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the discriminator is shown of a crop."""
        seen = (image, crops.context, crops.mask, crops.keypoints)
        return diffaugment.apply(seen, numbers) if diffaugment and numbers is not None else seen

    def judge(image: Tensor) -> Tensor:
        """Scores, in mixed precision and compiled if training is."""
        scores: Tensor = discriminator(*view(image), alpha=fade)
        return scores.float()

    def exact(image: Tensor) -> Tensor:
        """Scores as plain PyTorch computes them."""
        return discriminator.penalised(*view(image), alpha=alpha)

    return judge, exact


@contextmanager
def still(network: nn.Module) -> Iterator[None]:
    """Let a network learn nothing for a while; what never learns stays as it is."""
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
