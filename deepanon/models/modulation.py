"""What z, the surroundings and the pose say to every layer of a decoder (Zhao et al. 2021)."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.layers import EqualizedConv2d, EqualizedLinear

STYLE = 128  # features that modulate the decoder


class CoStyle(nn.Module):
    """The style of a decoder: of z and, with equal weight, of surroundings and pose.

    Args:
        noise: channels of z.
        width: channels of the coarsest map.
        keypoints: how many there are.
    """

    def __init__(self, noise: int, width: int, keypoints: int) -> None:
        super().__init__()
        self.noise = _mlp(16 * noise, STYLE, layers=2)
        self.seen = _mlp(16 * width + 3 * keypoints, STYLE, layers=1)

    def forward(self, x: Tensor, keypoints: Tensor, z: Tensor) -> Tensor:
        """(N, width, 4, 4), (N, K, 2), (N, noise, 4, 4) -> (N, STYLE)."""
        known = torch.isfinite(keypoints).all(-1, keepdim=True)
        points = torch.cat([torch.where(known, keypoints, 0.5) * 2 - 1, known], -1).flatten(1)
        seen = self.seen(torch.cat([x.flatten(1), points.to(x.dtype)], 1))
        style: Tensor = (self.noise(z.flatten(1).to(x.dtype)) + seen) * math.sqrt(0.5)
        return style


class ModulatedConv2d(nn.Module):
    """3×3 convolution whose input channels are scaled by a style, its output brought back to unit variance.

    The weights stay shared by the batch: scaling the input and the output is the same as StyleGAN2's weight
    modulation and demodulation (Karras et al. 2020, eq. 1-3), and far faster on a CPU than a convolution per sample.
    """

    def __init__(self, in_channels: int, out_channels: int, style: int) -> None:
        super().__init__()
        self.conv = EqualizedConv2d(in_channels, out_channels, 3)
        self.scale = EqualizedLinear(style, in_channels, gain=1.0)
        nn.init.ones_(self.scale.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, in, H, W), (N, style) -> (N, out, H, W)."""
        scale = self.scale(style)  # N,in
        power = (self.conv.weight * self.conv.scale).square().sum((2, 3))  # out,in
        norm = torch.rsqrt(F.linear(scale.float().square(), power.float()) + 1e-8).to(x.dtype)  # N,out
        x = self.conv.unbiased(x * scale[:, :, None, None].to(x.dtype))
        gain = (norm * math.sqrt(2))[:, :, None, None]
        return torch.addcmul(self.conv.bias[:, None, None].to(x.dtype), x, gain)  # one pass over the map, not three


class ModulatedBlock(nn.Module):
    """Two modulated convolutions with LeakyReLU(0.2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = ModulatedConv2d(in_channels, out_channels, STYLE)
        self.second = ModulatedConv2d(out_channels, out_channels, STYLE)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, in, H, W), (N, STYLE) -> (N, out, H, W)."""
        x = F.leaky_relu(self.first(x, style), 0.2)
        return F.leaky_relu(self.second(x, style), 0.2)


def _mlp(in_features: int, out_features: int, layers: int) -> nn.Sequential:
    sizes = [in_features] + [out_features] * layers
    parts: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        parts += [EqualizedLinear(before, after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*parts)
