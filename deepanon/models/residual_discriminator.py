"""The modern discriminator: residual blocks and minibatch statistics."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.checks import check_count
from deepanon.models.discriminator import ProgressiveDiscriminator
from deepanon.models.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    Fade,
    ResidualDown,
    blend,
    conv_unit,
    fading,
    keypoint_maps,
    resolutions,
)


class ResidualDiscriminator(ProgressiveDiscriminator):
    """Progressive conditional discriminator with shortcuts (Karras et al. 2020), for losses without a Lipschitz bound.

    Args:
        resolution: see `ProgressiveDiscriminator`.
        widths: see `ProgressiveDiscriminator`.
        keypoints: see `ProgressiveDiscriminator`.
        mask_channel: see `ProgressiveDiscriminator`.
        group: samples whose spread is shown to the network (minibatch standard deviation), 1 to leave it out;
            consecutive samples form a group, so a batch must be a multiple of it, or smaller.
    """

    def __init__(
        self, resolution: int, widths: dict[int, int], keypoints: int = 5, mask_channel: bool = True, group: int = 4
    ) -> None:
        super().__init__(resolution, widths, keypoints, mask_channel)
        c, sizes, self.group = self.widths, resolutions(resolution), check_count("group", group)
        self.from_rgb = nn.ModuleDict({str(r): EqualizedConv2d(self.inputs, c[r], 1) for r in sizes})
        self.blocks = nn.ModuleDict({str(r): ResidualDown(c[r] + keypoints, c[r], c[r // 2]) for r in sizes})
        self.last = conv_unit(c[4] + keypoints + (group > 1), c[4], norm=False)
        self.hidden = EqualizedLinear(16 * c[4], c[4])
        self.score = EqualizedLinear(c[4], 1, gain=1.0)

    def _judge(self, seen: Tensor, keypoints: Tensor, top: int, alpha: Fade) -> Tensor:
        x = self.from_rgb[str(top)](seen)
        for r in reversed(resolutions(top)):
            x = self.blocks[str(r)](torch.cat([x, keypoint_maps(keypoints, r).to(x.dtype)], 1))
            if r == top and fading(alpha):
                x = blend(self.from_rgb[str(r // 2)](F.avg_pool2d(seen, 2)), x, alpha)
        parts = [x, keypoint_maps(keypoints, 4).to(x.dtype)]
        if self.group > 1:
            parts.append(minibatch_deviation(x, self.group))
        x = F.leaky_relu(self.hidden(self.last(torch.cat(parts, 1)).flatten(1)), 0.2)
        scores: Tensor = self.score(x).squeeze(1)
        return scores


def minibatch_deviation(x: Tensor, group: int) -> Tensor:
    """Standard deviation over each group of consecutive samples, averaged over features (Karras et al. 2018, §3).

    Args:
        x: (N, C, H, W).
        group: samples a group; a smaller batch is one group.

    Raises:
        ValueError: N is larger than `group` and no multiple of it.

    Returns:
        (N, 1, H, W), one value a group.
    """
    n, _, height, width = x.shape
    size = min(group, n)
    if n % size:
        raise ValueError(f"a batch of {n} cannot be cut into groups of {size}; choose a multiple")
    deviation = x.float().reshape(n // size, size, -1).var(1, unbiased=False).add(1e-8).sqrt().mean(1)
    return deviation.repeat_interleave(size).to(x.dtype)[:, None, None, None].expand(n, 1, height, width)
