"""The modern generator: a residual U-Net whose decoder is modulated by noise, surroundings and pose together."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.generator import Generator
from deepanon.models.layers import (
    EqualizedConv2d,
    Fade,
    ResidualDown,
    blend,
    check_widths,
    fading,
    keypoint_maps,
    resolutions,
)
from deepanon.models.modulation import CoStyle, ModulatedBlock


class ModulatedGenerator(Generator):
    """U-Net with co-modulation (Zhao et al. 2021): z cannot be ignored, because it scales every decoder convolution.

    The arguments are those of `Generator`, and `widths`, channels at each resolution from 4 to `resolution`. Every
    resolution adds to the picture (StyleGAN2's output skips), so that fading in is a weight on what the top resolution
    adds.
    """

    architecture = "modulated"

    def __init__(
        self, resolution: int, widths: dict[int, int], keypoints: int = 5, noise: int = 32, **options: bool
    ) -> None:
        super().__init__(resolution, keypoints, noise, **options)
        c, sizes = check_widths(widths, resolution), resolutions(resolution)
        self.widths = c
        self.from_rgb = nn.ModuleDict({str(r): EqualizedConv2d(3 + self.mask_channel, c[r], 1) for r in sizes})
        self.encoder = nn.ModuleDict({str(r): ResidualDown(c[r], c[r], c[r // 2]) for r in sizes})
        self.core = EqualizedConv2d(c[4] + keypoints, c[4], 3)
        self.style = CoStyle(noise, c[4], keypoints)
        self.start = ModulatedBlock(c[4] + keypoints, c[4])
        self.decoder = nn.ModuleDict({str(r): ModulatedBlock(c[r // 2] + c[r] + keypoints, c[r]) for r in sizes})
        self.to_rgb = nn.ModuleDict({str(r): EqualizedConv2d(c[r], 3, 1) for r in (4, *sizes)})

    def _draw(self, seen: Tensor, keypoints: Tensor, z: Tensor, top: int, alpha: Fade) -> Tensor:
        x, skips = self._encode(seen, top, alpha)
        pose = keypoint_maps(keypoints, 4).to(x.dtype)
        x = F.leaky_relu(self.core(torch.cat([x, pose], 1)), 0.2)
        style = self.style(x, keypoints, z)
        x = self.start(torch.cat([x, pose], 1), style)
        rgb: Tensor = self.to_rgb["4"](x)
        for r in resolutions(top):
            x, rgb = (F.interpolate(t, scale_factor=2, mode="nearest") for t in (x, rgb))
            x = self.decoder[str(r)](torch.cat([x, skips[r], keypoint_maps(keypoints, r).to(x.dtype)], 1), style)
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
