"""The modern generator: a residual U-Net whose decoder is modulated by noise, surroundings and pose together."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.generator import Generator
from deepanon.models.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    Fade,
    ResidualDown,
    blend,
    fading,
    keypoint_maps,
    resolutions,
)

STYLE = 128  # features that modulate the decoder


class ModulatedGenerator(Generator):
    """U-Net with co-modulation (Zhao et al. 2021): z cannot be ignored, because it scales every decoder convolution.

    The arguments are those of `Generator`. Every resolution adds to the picture (StyleGAN2's output skips), so that
    fading in is a weight on what the top resolution adds.
    """

    architecture = "modulated"

    def __init__(
        self, resolution: int, widths: dict[int, int], keypoints: int = 5, noise: int = 32, **options: bool
    ) -> None:
        super().__init__(resolution, widths, keypoints, noise, **options)
        c, sizes = self.widths, resolutions(resolution)
        self.from_rgb = nn.ModuleDict({str(r): EqualizedConv2d(3 + self.mask_channel, c[r], 1) for r in sizes})
        self.encoder = nn.ModuleDict({str(r): ResidualDown(c[r], c[r], c[r // 2]) for r in sizes})
        self.core = EqualizedConv2d(c[4] + keypoints, c[4], 3)
        self.noise_style = _mlp(16 * noise, STYLE, layers=2)
        self.seen_style = _mlp(16 * c[4] + 3 * keypoints, STYLE, layers=1)
        self.start = ModulatedBlock(c[4] + keypoints, c[4])
        self.decoder = nn.ModuleDict({str(r): self._doubling(r) for r in sizes})
        self.to_rgb = nn.ModuleDict({str(r): EqualizedConv2d(c[r], 3, 1) for r in (4, *sizes)})

    def _doubling(self, r: int) -> nn.Module:
        """What takes the decoder from half of `r` to `r`: (drawn, seen, keypoints, style) -> (N, widths[r], r, r)."""
        return Doubling(self.widths[r // 2], self.widths[r], self.keypoints)

    def _draw(self, seen: Tensor, keypoints: Tensor, z: Tensor, top: int, alpha: Fade) -> Tensor:
        x, skips = self._encode(seen, top, alpha)
        pose = keypoint_maps(keypoints, 4).to(x.dtype)
        x = F.leaky_relu(self.core(torch.cat([x, pose], 1)), 0.2)
        style = self._style(x, keypoints, z)
        x = self.start(torch.cat([x, pose], 1), style)
        rgb: Tensor = self.to_rgb["4"](x)
        for r in resolutions(top):
            x = self.decoder[str(r)](x, skips[r], keypoints, style)
            rgb = F.interpolate(rgb, scale_factor=2, mode="bilinear", align_corners=False)
            rgb = rgb + (alpha if r == top else 1.0) * self.to_rgb[str(r)](x)
        return rgb

    def _encode(self, seen: Tensor, top: int, alpha: Fade) -> tuple[Tensor, dict[int, Tensor]]:
        """Features at 4 px, and those at each resolution before it was halved."""
        x, skips = self.from_rgb[str(top)](seen), {}
        for r in reversed(resolutions(top)):
            skips[r] = x
            x = self.encoder[str(r)](x)
            if r == top and fading(alpha):
                x = blend(self.from_rgb[str(r // 2)](F.avg_pool2d(seen, 2)), x, alpha)
        return x, skips

    def _style(self, x: Tensor, keypoints: Tensor, z: Tensor) -> Tensor:
        """What z says to every layer and, with equal weight, what surroundings and pose say: (N, STYLE)."""
        known = torch.isfinite(keypoints).all(-1, keepdim=True)
        points = torch.cat([torch.where(known, keypoints, 0.5) * 2 - 1, known], -1).flatten(1)
        seen = self.seen_style(torch.cat([x.flatten(1), points.to(x.dtype)], 1))
        style: Tensor = (self.noise_style(z.flatten(1).to(x.dtype)) + seen) * math.sqrt(0.5)
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


class Doubling(ModulatedBlock):
    """Doubles the resolution: what was drawn, what was seen there and the keypoints side by side, two convolutions."""

    def __init__(self, in_channels: int, out_channels: int, keypoints: int) -> None:
        super().__init__(in_channels + out_channels + keypoints, out_channels)

    def forward(self, x: Tensor, seen: Tensor, keypoints: Tensor, style: Tensor) -> Tensor:  # type: ignore[override]
        """(N, in, H, W), (N, out, 2H, 2W), (N, K, 2), (N, STYLE) -> (N, out, 2H, 2W)."""
        points = keypoint_maps(keypoints, seen.shape[-1]).to(x.dtype)
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return super().forward(torch.cat([x, seen, points], 1), style)


def _mlp(in_features: int, out_features: int, layers: int) -> nn.Sequential:
    sizes = [in_features] + [out_features] * layers
    parts: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        parts += [EqualizedLinear(before, after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*parts)
