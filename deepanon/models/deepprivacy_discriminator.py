"""DeepPrivacy's discriminators: plain and deep."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.checks import check_switch
from deepanon.models.discriminator import ProgressiveDiscriminator
from deepanon.models.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    Fade,
    blend,
    conv_unit,
    fading,
    keypoint_maps,
    resolutions,
)


class DeepPrivacyDiscriminator(ProgressiveDiscriminator):
    """Progressive conditional critic (Hukkelås et al. 2019); no normalisation, as WGAN-GP requires.

    Args:
        resolution: see `ProgressiveDiscriminator`; the paper's network has 128.
        widths: see `ProgressiveDiscriminator`; the paper's are the generator's times sqrt(2), in multiples of 8.
        keypoints: see `ProgressiveDiscriminator`; 7 in the paper.
        mask_channel: see `ProgressiveDiscriminator`; the paper's network is not given the mask.
        deep: the paper's deep variant: four convolutions with a shortcut at each resolution instead of two without.
            Its widths are the generator's.
    """

    def __init__(
        self,
        resolution: int,
        widths: dict[int, int],
        keypoints: int = 5,
        mask_channel: bool = True,
        deep: bool = False,
    ) -> None:
        super().__init__(resolution, widths, keypoints, mask_channel)
        c, sizes, self.deep = self.widths, resolutions(resolution), check_switch("deep", deep)
        block, last = (_deep_block, _deep_last) if self.deep else (_block, _last)
        self.from_rgb = nn.ModuleDict({str(r): EqualizedConv2d(self.inputs, c[r], 1) for r in sizes})
        self.blocks = nn.ModuleDict({str(r): block(c[r] + keypoints, c[r], c[r // 2]) for r in sizes})
        self.last = last(c[4] + keypoints, c[4])
        self.score = EqualizedLinear(c[4], 1)

    def _judge(self, seen: Tensor, keypoints: Tensor, top: int, alpha: Fade) -> Tensor:
        x = self.from_rgb[str(top)](seen)
        for r in reversed(resolutions(top)):
            x = F.avg_pool2d(self.blocks[str(r)](torch.cat([x, keypoint_maps(keypoints, r).to(x.dtype)], 1)), 2)
            if r == top and fading(alpha):
                x = blend(self.from_rgb[str(r // 2)](F.avg_pool2d(seen, 2)), x, alpha)
        x = self.last(torch.cat([x, keypoint_maps(keypoints, 4).to(x.dtype)], 1))
        scores: Tensor = self.score(x.flatten(1)).squeeze(1)
        return scores


class _HalfShortcut(nn.Sequential):
    """(x + f(x)) / 2."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return (x + super().forward(x)) / 2


def _block(in_channels: int, channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(conv_unit(in_channels, channels, norm=False), conv_unit(channels, out_channels, norm=False))


def _last(in_channels: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        conv_unit(in_channels, channels, norm=False),
        EqualizedConv2d(channels, channels, 4, padding=0),
        nn.LeakyReLU(0.2),
    )


def _deep_block(in_channels: int, channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        conv_unit(in_channels, channels, 1, norm=False),
        _HalfShortcut(*(conv_unit(channels, channels, norm=False) for _ in range(4))),
        conv_unit(channels, out_channels, 1, norm=False),
    )


def _deep_last(in_channels: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        conv_unit(in_channels, channels, 1, norm=False),
        _HalfShortcut(*(conv_unit(channels, channels, norm=False) for _ in range(3))),
        EqualizedConv2d(channels, channels, 4, padding=0),
        nn.LeakyReLU(0.2),
    )
