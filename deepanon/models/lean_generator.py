"""The modern generator with half the multiplications."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.layers import keypoint_maps
from deepanon.models.modulated_generator import STYLE, ModulatedConv2d, ModulatedGenerator


class LeanGenerator(ModulatedGenerator):
    """`ModulatedGenerator` whose decoder adds what was seen instead of setting it beside what was drawn.

    The first of each pair of convolutions runs before the resolution doubles, and the second sees a third of the
    channels: at the same widths half the multiplications. The arguments are those of `Generator`.
    """

    architecture = "lean"

    def _doubling(self, r: int) -> nn.Module:
        return AddingDoubling(self.widths[r // 2], self.widths[r], self.keypoints)


class AddingDoubling(nn.Module):
    """Doubles the resolution: a convolution of what was drawn and the keypoints, what was seen added, another one."""

    def __init__(self, in_channels: int, out_channels: int, keypoints: int) -> None:
        super().__init__()
        self.first = ModulatedConv2d(in_channels + keypoints, out_channels, STYLE)
        self.second = ModulatedConv2d(out_channels, out_channels, STYLE)

    def forward(self, x: Tensor, seen: Tensor, keypoints: Tensor, style: Tensor) -> Tensor:
        """(N, in, H, W), (N, out, 2H, 2W), (N, K, 2), (N, STYLE) -> (N, out, 2H, 2W)."""
        points = keypoint_maps(keypoints, x.shape[-1]).to(x.dtype)
        x = F.leaky_relu(self.first(torch.cat([x, points], 1), style), 0.2)
        x = (F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False) + seen) * math.sqrt(0.5)
        return F.leaky_relu(self.second(x, style), 0.2)
