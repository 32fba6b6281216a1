"""The moving average of a generator's weights."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, images: int, half_life: float) -> None:
    """Move the average towards the network's weights as they are after `images` more.

    Args:
        average: with the network's parameters.
        network: that learns.
        images: seen since the last time.
        half_life: images after which a weight counts half.
    """
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - 0.5 ** (images / half_life))


def ramped(half_life: float, since: int, rampup: float | None) -> float:
    """The half-life `since` images after the last growth: no more than a share of these (Karras et al. 2020).

    Layers that are new would otherwise long be averaged with the chance that they began as.
    """
    return half_life if rampup is None else min(half_life, max(since * rampup, 1.0))
