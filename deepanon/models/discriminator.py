"""The discriminator: judges a crop beside the context and the keypoints that it was drawn for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    check_count,
    check_widths,
    conv_unit,
    keypoint_maps,
    resolutions,
)


class Discriminator(nn.Module):
    """Progressive conditional critic of DeepPrivacy; no normalisation, as WGAN-GP requires.

    Args:
        resolution: crop size of the fully grown network in pixels, a power of two >= 8.
        widths: channels at each resolution from 4 to `resolution`.
        keypoints: number of keypoints K that condition it.
        mask_channel: give the mask to the network beside picture and context (the paper's network does not).
    """

    def __init__(self, resolution: int, widths: dict[int, int], keypoints: int = 5, mask_channel: bool = True) -> None:
        super().__init__()
        c, sizes = check_widths(widths, resolution), resolutions(resolution)
        self.resolution, self.keypoints = resolution, check_count("keypoints", keypoints)
        self.mask_channel = bool(mask_channel)
        self.from_rgb = nn.ModuleDict({str(r): EqualizedConv2d(6 + self.mask_channel, c[r], 1) for r in sizes})
        self.blocks = nn.ModuleDict(
            {
                str(r): nn.Sequential(
                    conv_unit(c[r] + keypoints, c[r], norm=False), conv_unit(c[r], c[r // 2], norm=False)
                )
                for r in sizes
            }
        )
        self.last = nn.Sequential(
            conv_unit(c[4] + keypoints, c[4], norm=False), EqualizedConv2d(c[4], c[4], 4, padding=0), nn.LeakyReLU(0.2)
        )
        self.score = EqualizedLinear(c[4], 1)

    def forward(self, image: Tensor, context: Tensor, mask: Tensor, keypoints: Tensor, *, alpha: float = 1.0) -> Tensor:
        """Return (N,) scores, higher = more real; arguments as in `Generator.forward`, `image` like its output."""
        top = image.shape[-1]
        if str(top) not in self.blocks:
            raise ValueError(f"discriminator: crop size must be one of {list(self.blocks)}, got {top}")
        if alpha < 1 and top == 8:
            raise ValueError(
                "discriminator: 8 px is the smallest size, there is nothing to fade in from; alpha must be 1"
            )
        seen = torch.cat([image, context, mask] if self.mask_channel else [image, context], 1)
        x = self.from_rgb[str(top)](seen)
        for r in reversed(resolutions(top)):
            x = F.avg_pool2d(self.blocks[str(r)](torch.cat([x, keypoint_maps(keypoints, r).to(x.dtype)], 1)), 2)
            if r == top and alpha < 1:
                x = torch.lerp(self.from_rgb[str(r // 2)](F.avg_pool2d(seen, 2)), x, alpha)
        x = self.last(torch.cat([x, keypoint_maps(keypoints, 4).to(x.dtype)], 1))
        return self.score(x.flatten(1)).squeeze(1)
