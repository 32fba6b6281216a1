"""The losses of WGAN-GP as the paper uses them: small functions whose sign can be seen.

All are means over the batch. The paper's code sums; with Adam the two differ only through its epsilon, because a
constant factor on the whole loss cancels in the update.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Wasserstein critic: raise the score of real crops, lower that of drawn ones. (N,), (N,) -> scalar."""
    return fake_scores.mean() - real_scores.mean()


def generator_loss(fake_scores: Tensor) -> Tensor:
    """Wasserstein generator: raise the score of what it drew. (N,) -> scalar."""
    return -fake_scores.mean()


def drift_penalty(real_scores: Tensor) -> Tensor:
    """Mean squared score of real crops; keeps the critic from drifting (Karras et al. 2018). (N,) -> scalar."""
    return real_scores.square().mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """Two-sided penalty on the critic's gradient norm between real and drawn crops (Gulrajani et al. 2017, eq. 3).

    Args:
        critic: maps (N, 3, S, S) to (N,) scores, the condition being fixed.
        real: (N, 3, S, S).
        fake: (N, 3, S, S).
        epsilon: (N, 1, 1, 1) uniform in [0, 1], where between the two the gradient is taken.

    Returns:
        Scalar, the mean of (||grad|| - 1)^2, the norm taken over the whole crop.
    """
    between = torch.lerp(fake.detach(), real, epsilon).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def reconstruction_loss(fake: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error over the hidden pixels: (N, 3, S, S), (N, 3, S, S), (N, 1, S, S) -> scalar."""
    return ((fake - real).abs() * mask).sum() / (3 * mask.sum()).clamp_min(1)
