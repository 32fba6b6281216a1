"""The inference forms of the modulated and the lean generator."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.inference.layers import SLOPE, Points, ReadyConv, ReadyLinear, cells_of, doubled
from deepanon.models.layers import EqualizedLinear, ResidualDown, resolutions
from deepanon.models.modulated_generator import ModulatedConv2d, ModulatedGenerator

HALF = math.sqrt(0.5)


class ReadyDown(nn.Module):
    """`ResidualDown`; the factor of its sum lies in the weights, as LeakyReLU leaves factors where they are."""

    def __init__(self, down: ResidualDown) -> None:
        super().__init__()
        self.first = ReadyConv.of(down.first)
        self.second, self.shortcut = ReadyConv.of(down.second, HALF), ReadyConv.of(down.shortcut, HALF)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H/2, W/2)."""
        inside = self.second.active(F.avg_pool2d(self.first.active(x), 2))
        return inside.add_(self.shortcut(F.avg_pool2d(x, 2)))


class ReadyModulated(nn.Module):
    """`ModulatedConv2d` with LeakyReLU, which gives its output divided by `gain`.

    leaky(gain · conv + bias) = gain · leaky(conv + bias / gain), as gain > 0: so the bias is the convolution's own, and
    the gain is one factor with the scale of the layer that comes next.
    """

    power: Tensor
    bias: Tensor

    def __init__(self, layer: ModulatedConv2d) -> None:
        super().__init__()
        weight = (layer.conv.weight * layer.conv.scale).detach()
        self.conv = ReadyConv(weight)
        self.register_buffer("power", weight.square().sum((2, 3)))  # out,in
        self.register_buffer("bias", layer.conv.bias.detach().clone())

    def gain(self, scale: Tensor) -> Tensor:
        """(N, in) -> (N, out): what brings the output to unit variance, times sqrt(2)."""
        return F.linear(scale.square(), self.power).add_(1e-8).rsqrt_().mul_(math.sqrt(2))

    def forward(self, x: Tensor, gain: Tensor) -> Tensor:
        """(N, in, H, W), scaled already, and (N, out) -> (N, out, H, W)."""
        bias = (self.bias / gain).to(x.dtype)
        alone = not torch.jit.is_tracing() and len(x) == 1  # what is traced is for any number
        y = F.conv2d(x, self.conv.weight, bias[0], padding=1) if alone else self.conv(x).add_(_map(bias))
        return F.leaky_relu_(y, SLOPE)


class ModulatedForm(nn.Module):
    """`ModulatedGenerator` at its full resolution; what modulates is float32, whatever the convolutions are."""

    def __init__(self, network: ModulatedGenerator) -> None:
        super().__init__()
        self.mask_channel, self.composite = network.mask_channel, network.composite
        self.dtype, self.top = torch.float32, network.resolution
        self.sizes = resolutions(network.resolution)
        self.from_rgb = ReadyConv.of(network.from_rgb[str(network.resolution)])  # type: ignore[arg-type]
        self.encoder = nn.ModuleList([ReadyDown(network.encoder[str(r)]) for r in reversed(self.sizes)])  # type: ignore[arg-type]
        self.core = ReadyConv.of(network.core)
        self.noise_style, self.seen_style = _mlp(network.noise_style), _mlp(network.seen_style)
        blocks: list[Any] = [network.start, *(network.decoder[str(r)] for r in self.sizes)]
        layers: list[ModulatedConv2d] = [layer for block in blocks for layer in (block.first, block.second)]
        self.layers = nn.ModuleList(map(ReadyModulated, layers))
        self.scale = ReadyLinear([layer.scale for layer in layers])
        self.inputs = [layer.conv.weight.shape[1] for layer in layers]
        self.to_rgb = nn.ModuleList([ReadyConv.of(network.to_rgb[str(r)]) for r in (4, *self.sizes)])  # type: ignore[arg-type]

    def forward(
        self, context: Tensor, mask: Tensor, keypoints: Tensor, z: Tensor, cells: Tensor | None = None
    ) -> Tensor:
        """See `inference_form`."""
        seen = torch.cat([context, mask], 1) if self.mask_channel else context
        x, skips = self._encoded(seen.to(self.dtype).contiguous(memory_format=torch.channels_last))
        points = Points(cells_of(keypoints, self.top) if cells is None else cells, self.top, self.dtype)
        pose = points.maps(4)
        x = self.core.active(torch.cat([x, pose], 1))
        scales = self.scale(self._style(x.float(), keypoints, z)).split(self.inputs, 1)
        gains = [layer.gain(scale) for layer, scale in zip(self.layers, scales, strict=True)]  # type: ignore[operator]
        x = _scaled(torch.cat([x, pose], 1), scales[0])
        x = _scaled(self.layers[0](x, gains[0]), gains[0] * scales[1])
        x = _scaled(self.layers[1](x, gains[1]), gains[1])
        rgb: Tensor = self.to_rgb[0](x).float()
        for i, skip in enumerate(skips, 1):
            both = slice(2 * i, 2 * i + 2)
            x = self._doubled(x, skip, points, self.layers[both], scales[both], gains[both])
            rgb = doubled(rgb).add_(self.to_rgb[i](x))
        return torch.lerp(context, rgb, mask) if self.composite else rgb

    def _encoded(self, seen: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features at 4 px, and those at each resolution from the smallest, before it was halved."""
        x, skips = self.from_rgb(seen), []
        for down in self.encoder:
            skips.append(x)
            x = down(x)
        return x, skips[::-1]

    def _style(self, x: Tensor, keypoints: Tensor, z: Tensor) -> Tensor:
        known = torch.isfinite(keypoints).all(-1, keepdim=True)
        points = torch.cat([torch.where(known, keypoints, 0.5) * 2 - 1, known], -1).flatten(1)
        seen = self.seen_style(torch.cat([x.flatten(1), points], 1))
        style: Tensor = (self.noise_style(z.flatten(1)) + seen) * HALF
        return style

    def _doubled(self, x: Tensor, seen: Tensor, points: Points, layers: Any, scales: Any, gains: Any) -> Tensor:
        """See `Doubling`."""
        x = _scaled(torch.cat([doubled(x), seen, points.maps(seen.shape[-1])], 1), scales[0])
        x = _scaled(layers[0](x, gains[0]), gains[0] * scales[1])
        return _scaled(layers[1](x, gains[1]), gains[1])


class LeanForm(ModulatedForm):
    """`LeanGenerator` at its full resolution."""

    def _doubled(self, x: Tensor, seen: Tensor, points: Points, layers: Any, scales: Any, gains: Any) -> Tensor:
        """See `AddingDoubling`."""
        x = _scaled(torch.cat([x, points.maps(x.shape[-1])], 1), scales[0])
        x = _scaled(layers[0](x, gains[0]), gains[0] * scales[1] * HALF)
        x = doubled(x).addcmul_(seen, _map((scales[1] * HALF).to(seen.dtype)))
        return _scaled(layers[1](x, gains[1]), gains[1])


def _map(values: Tensor) -> Tensor:
    """(N, C) -> (N, C, 1, 1)."""
    return values[:, :, None, None]


def _scaled(x: Tensor, factors: Tensor) -> Tensor:
    """(N, C, H, W) in place, times (N, C)."""
    return x.mul_(_map(factors.to(x.dtype)))


def _mlp(layers: nn.Sequential) -> nn.Sequential:
    slope = nn.LeakyReLU(SLOPE, inplace=True)
    return nn.Sequential(*(ReadyLinear([one]) if isinstance(one, EqualizedLinear) else slope for one in layers))
