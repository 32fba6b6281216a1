"""The losses: small functions whose sign can be seen.

All are means over the batch. The paper's code sums instead. A constant factor on the whole loss cancels in Adam's
update but for its epsilon, so with Adam the two train alike; with sums, the gradients' size (and with it gradient
clipping, loss scaling in half precision, and any other optimiser) would depend on the batch size, which changes at
every growth, and the gradients of several processes could not be averaged.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Judge = Callable[[Tensor], Tensor]  # (N, 3, S, S) -> (N,) scores, the condition being fixed


def critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Wasserstein critic: raise the score of real crops, lower that of drawn ones. (N,), (N,) -> scalar."""
    return fake_scores.mean() - real_scores.mean()


def generator_loss(fake_scores: Tensor) -> Tensor:
    """Wasserstein generator: raise the score of what it drew. (N,) -> scalar."""
    return -fake_scores.mean()


def drift_penalty(real_scores: Tensor) -> Tensor:
    """Mean squared score of real crops; keeps the critic from drifting (Karras et al. 2018). (N,) -> scalar."""
    return real_scores.square().mean()


def gradient_penalty(judge: Judge, real: Tensor, fake: Tensor, epsilon: Tensor, mask: Tensor | None = None) -> Tensor:
    """Two-sided penalty on the critic's gradient norm between real and drawn crops (Gulrajani et al. 2017, eq. 3).

    Args:
        judge: the critic.
        real: (N, 3, S, S).
        fake: (N, 3, S, S).
        epsilon: (N, 1, 1, 1) uniform in [0, 1], where between the two the gradient is taken.
        mask: (N, 1, S, S), 1 = hidden: the norm is taken over these pixels only; None takes the whole crop.

    Returns:
        Scalar, the mean of (||grad|| - 1)^2.
    """
    gradient = input_gradient(judge, torch.lerp(fake.detach(), real, epsilon))
    if mask is not None:
        gradient = gradient * mask
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def non_saturating_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Logistic discriminator (Goodfellow et al. 2014): real up, drawn down. (N,), (N,) -> scalar."""
    return F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()


def non_saturating_generator_loss(fake_scores: Tensor) -> Tensor:
    """Logistic generator, non-saturating: raise the score of what it drew. (N,) -> scalar."""
    return F.softplus(-fake_scores).mean()


def relativistic_loss(better: Tensor, worse: Tensor) -> Tensor:
    """Logistic loss on score differences within one context (Jolicoeur-Martineau 2019). (N,), (N,) -> scalar.

    The discriminator passes (real, drawn), the generator (drawn, real).
    """
    return F.softplus(worse - better).mean()


def zero_centred_penalty(judge: Judge, images: Tensor) -> Tensor:
    """Mean squared gradient norm at `images` (Mescheder et al. 2018): R1 at real crops, R2 at drawn ones. -> scalar."""
    return input_gradient(judge, images).flatten(1).square().sum(1).mean()


def input_gradient(judge: Judge, images: Tensor) -> Tensor:
    """Gradient of the scores with respect to the crops, itself differentiable: (N, 3, S, S).

    In float32 also where mixed precision is on: autocast would take both the scores and the products of the backward
    pass in half precision, and squaring the result loses what is left.
    """
    images = images.detach().requires_grad_(True)
    with torch.autocast(images.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(judge(images).sum(), images, create_graph=True)
    return gradient


def reconstruction_loss(fake: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error over each crop's hidden pixels: (N, 3, S, S), (N, 3, S, S), (N, 1, S, S) -> scalar."""
    wrong = ((fake - real).abs() * mask).flatten(1).sum(1)
    return (wrong / (3 * mask.flatten(1).sum(1)).clamp_min(1)).mean()


def scaled_loss(fake: Tensor, wanted: Tensor, mask: Tensor, scales: int) -> Tensor:
    """`reconstruction_loss` at so many scales, each of half the side of the one before, in the mean.

    Fine scales see edges, coarse ones light and shape, which single pixels do not say. (N, 3, S, S) twice,
    (N, 1, S, S), S a multiple of 2^(scales - 1) -> scalar.
    """
    difference, total = (fake - wanted) * mask, fake.new_zeros(())
    for scale in range(scales):
        if scale:
            difference, mask = F.avg_pool2d(difference, 2), F.avg_pool2d(mask, 2)
        wrong = difference.abs().flatten(1).sum(1) / (3 * mask.flatten(1).sum(1)).clamp_min(1e-6)
        total = total + wrong.mean() / scales
    return total
