"""DeepPrivacy's generator: a progressive U-Net without attention, batch statistics or added noise maps."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.generator import Generator
from deepanon.models.layers import EqualizedConv2d, Fade, blend, conv_unit, fading, keypoint_maps, resolutions


class DeepPrivacyGenerator(Generator):
    """Progressive U-Net of DeepPrivacy (Hukkelås et al. 2019, §3).

    The arguments are those of `Generator`. The paper's network has 128 px, 256 or 512 channels up to 32 px, half
    at 64, a quarter at 128, 7 keypoints, and neither `mask_channel` nor `composite` (configs/model/deepprivacy.yaml).
    """

    architecture = "deepprivacy"

    def __init__(
        self, resolution: int, widths: dict[int, int], keypoints: int = 5, noise: int = 32, **options: bool
    ) -> None:
        super().__init__(resolution, widths, keypoints, noise, **options)
        c, sizes = self.widths, resolutions(resolution)
        self.from_rgb = nn.ModuleDict({str(r): EqualizedConv2d(3 + self.mask_channel, c[r], 1) for r in sizes})
        self.encoder = nn.ModuleDict(
            {str(r): nn.Sequential(conv_unit(c[r], c[r // 2]), conv_unit(c[r // 2], c[r // 2])) for r in sizes}
        )
        self.core = nn.Sequential(conv_unit(c[4], c[4]), conv_unit(c[4], c[4]))
        self.bottleneck = _decoder_block(c[4] + keypoints + noise, c[4], c[4])
        self.decoder = nn.ModuleDict(
            {str(r): _decoder_block(2 * c[r // 2] + keypoints, c[r // 2], c[r]) for r in sizes}
        )
        self.to_rgb = nn.ModuleDict({str(r): EqualizedConv2d(c[r], 3, 1) for r in sizes})

    def _draw(self, seen: Tensor, keypoints: Tensor, z: Tensor, top: int, alpha: Fade) -> Tensor:
        sizes = resolutions(top)
        x = self.from_rgb[str(top)](seen)
        skips = {}
        for r in reversed(sizes):
            skips[r] = self.encoder[str(r)](x)
            x = F.avg_pool2d(skips[r], 2)
            if r == top and fading(alpha):
                x = blend(self.from_rgb[str(r // 2)](F.avg_pool2d(seen, 2)), x, alpha)
        x = self.bottleneck(torch.cat([self.core(x), keypoint_maps(keypoints, 4).to(x.dtype), z.to(x.dtype)], 1))
        rgb: Tensor | None = None
        for r in sizes:
            if r == top and fading(alpha):
                rgb = self.to_rgb[str(r // 2)](x)
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = self.decoder[str(r)](torch.cat([x, skips[r], keypoint_maps(keypoints, r).to(x.dtype)], 1))
        new: Tensor = self.to_rgb[str(top)](x)
        return new if rgb is None else blend(F.interpolate(rgb, scale_factor=2, mode="nearest"), new, alpha)


def _decoder_block(in_channels: int, middle: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        conv_unit(in_channels, middle, 1),
        conv_unit(middle, out_channels),
        conv_unit(out_channels, out_channels),
    )
