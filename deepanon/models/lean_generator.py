"""The generator for processors: like the modern one, but it sees and draws in patches, and adds instead of joining."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.generator import Generator
from deepanon.models.layers import (
    EqualizedConv2d,
    Fade,
    ResidualDown,
    check_patch,
    check_widths,
    keypoint_maps,
    resolutions,
)
from deepanon.models.modulation import STYLE, CoStyle, ModulatedBlock, ModulatedConv2d


class LeanGenerator(Generator):
    """Co-modulated U-Net that works on patches.

    Large maps of few channels take most of the time of the other generators on a processor, and do little of their
    arithmetic. Here `patch` × `patch` pixels are one cell of the finest map, on the way in and on the way out (Shi et
    al. 2016); what was seen is added to what is drawn instead of set beside it; and the first convolution of a pair
    runs before the resolution doubles. It does not grow.

    Args:
        resolution: see `Generator`.
        widths: channels at each resolution from 4 to `resolution / patch`.
        keypoints: see `Generator`.
        noise: see `Generator`.
        patch: side of a cell in pixels, a power of two.
        options: see `Generator`.
    """

    architecture = "lean"
    grows = False

    def __init__(
        self,
        resolution: int,
        widths: dict[int, int],
        keypoints: int = 5,
        noise: int = 32,
        patch: int = 2,
        **options: bool,
    ) -> None:
        super().__init__(resolution, keypoints, noise, **options)
        self.patch = check_patch(patch, resolution)
        self.widths = c = check_widths(widths, resolution // patch)
        self.sizes = resolutions(resolution // patch)
        finest, pixels = resolution // patch, patch * patch
        self.stem = EqualizedConv2d((3 + self.mask_channel) * pixels + keypoints, c[finest], 3)
        self.encoder = nn.ModuleDict({str(r): ResidualDown(c[r], c[r], c[r // 2]) for r in self.sizes})
        self.core = EqualizedConv2d(c[4] + keypoints, c[4], 3)
        self.style = CoStyle(noise, c[4], keypoints)
        self.start = ModulatedBlock(c[4] + keypoints, c[4])
        self.decoder = nn.ModuleDict({str(r): AddingBlock(c[r // 2] + keypoints, c[r]) for r in self.sizes})
        self.to_rgb = EqualizedConv2d(c[finest], 3 * pixels, 3)

    @property
    def kwargs(self) -> dict[str, Any]:
        """Plain constructor arguments that rebuild this network."""
        return super().kwargs | {"patch": self.patch}

    def _draw(self, seen: Tensor, keypoints: Tensor, z: Tensor, top: int, alpha: Fade) -> Tensor:
        x, skips = F.pixel_unshuffle(seen, self.patch), {}
        x = F.leaky_relu(self.stem(_pointed(x, keypoints)), 0.2)
        for r in reversed(self.sizes):
            skips[r] = x
            x = self.encoder[str(r)](x)
        x = F.leaky_relu(self.core(_pointed(x, keypoints)), 0.2)
        style = self.style(x, keypoints, z)
        x = self.start(_pointed(x, keypoints), style)
        for r in self.sizes:
            x = self.decoder[str(r)](_pointed(x, keypoints), skips[r], style)
        drawn: Tensor = F.pixel_shuffle(self.to_rgb(x), self.patch)
        return drawn


class AddingBlock(nn.Module):
    """Doubles the resolution: a convolution of what is drawn, what was seen added, another convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = ModulatedConv2d(in_channels, out_channels, STYLE)
        self.second = ModulatedConv2d(out_channels, out_channels, STYLE)

    def forward(self, x: Tensor, seen: Tensor, style: Tensor) -> Tensor:
        """(N, in, H, W), (N, out, 2H, 2W), (N, STYLE) -> (N, out, 2H, 2W)."""
        x = F.leaky_relu(self.first(x, style), 0.2)
        x = (F.interpolate(x, scale_factor=2, mode="nearest") + seen) * math.sqrt(0.5)
        return F.leaky_relu(self.second(x, style), 0.2)


def _pointed(x: Tensor, keypoints: Tensor) -> Tensor:
    """A map with the keypoints beside it."""
    return torch.cat([x, keypoint_maps(keypoints, x.shape[-1]).to(x.dtype)], 1)
