"""The inference form of DeepPrivacy's generator."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.deepprivacy_generator import DeepPrivacyGenerator
from deepanon.models.inference.layers import Points, ReadyConv, cells_of, pixel_norm_
from deepanon.models.layers import resolutions


class ReadyUnits(nn.Module):
    """Convolutions, each followed by LeakyReLU and PixelNorm in place."""

    def __init__(self, units: Any) -> None:
        super().__init__()
        self.convs = nn.ModuleList([ReadyConv.of(unit[0]) for unit in units])

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H, W)."""
        for conv in self.convs:
            x = pixel_norm_(conv.active(x))  # type: ignore[operator]
        return x


class ReadyDoubling(nn.Module):
    """Doubles the resolution, and the three convolutions after it.

    The first of them has one pixel, so that it may be done before doubling to what was drawn: a quarter of the work,
    and nothing is set side by side.
    """

    def __init__(self, block: Any, drawn: int, points: int) -> None:
        super().__init__()
        conv = block[0][0]
        weight = conv.weight * conv.scale
        seen = weight.shape[1] - drawn - points
        low, here, self_points = weight.split([drawn, seen, points], 1)
        self.low, self.here = ReadyConv(low, conv.bias), ReadyConv(here)
        self.points = ReadyConv(self_points)
        self.rest = ReadyUnits(block[1:])

    def forward(self, x: Tensor, seen: Tensor, points: Tensor) -> Tensor:
        """(N, drawn, H, W), (N, seen, 2H, 2W), (N, K, 2H, 2W) -> (N, out, 2H, 2W)."""
        x = F.interpolate(self.low(x), scale_factor=2, mode="nearest")
        x = x.add_(self.here(seen)).add_(self.points(points))
        out: Tensor = self.rest(pixel_norm_(F.leaky_relu_(x, 0.2)))
        return out


class DeepPrivacyForm(nn.Module):
    """`DeepPrivacyGenerator` at its full resolution."""

    def __init__(self, network: DeepPrivacyGenerator) -> None:
        super().__init__()
        net: Any = network
        self.mask_channel, self.composite = network.mask_channel, network.composite
        self.dtype, self.top = torch.float32, network.resolution
        self.sizes, top = resolutions(network.resolution), str(network.resolution)
        self.from_rgb = ReadyConv.of(net.from_rgb[top])
        self.encoder = nn.ModuleList([ReadyUnits(net.encoder[str(r)]) for r in reversed(self.sizes)])
        self.core, self.bottleneck = ReadyUnits(net.core), ReadyUnits(net.bottleneck)
        self.decoder = nn.ModuleList(
            [ReadyDoubling(net.decoder[str(r)], network.widths[r // 2], network.keypoints) for r in self.sizes]
        )
        self.to_rgb = ReadyConv.of(net.to_rgb[top])

    def forward(
        self, context: Tensor, mask: Tensor, keypoints: Tensor, z: Tensor, cells: Tensor | None = None
    ) -> Tensor:
        """See `inference_form`."""
        seen = torch.cat([context, mask], 1) if self.mask_channel else context
        points = Points(cells_of(keypoints, self.top) if cells is None else cells, self.top, self.dtype)
        x, skips = self.from_rgb(seen.to(self.dtype).contiguous(memory_format=torch.channels_last)), []
        for units in self.encoder:
            skips.append(units(x))
            x = F.avg_pool2d(skips[-1], 2)
        x = self.bottleneck(torch.cat([self.core(x), points.maps(4), z.to(x.dtype)], 1))
        for r, block, skip in zip(self.sizes, self.decoder, reversed(skips), strict=True):
            x = block(x, skip, points.maps(r))
        drawn: Tensor = self.to_rgb(x).float()
        return torch.lerp(context, drawn, mask) if self.composite else drawn
