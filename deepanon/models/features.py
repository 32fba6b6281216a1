"""Frozen networks through whose eyes a discriminator looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Features(nn.Module, ABC):
    """A network that learnt to see elsewhere, and learns nothing here.

    Attributes:
        channels: of every map.
        side: pixels to which crops are brought; a power of two.
        strides: by how much each map is smaller than that; each twice the one before.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    side: int
    colour: Tensor

    def train(self, mode: bool = True) -> Features:
        """Stays in evaluation mode: its statistics are those that it came with."""
        return super().train(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, 3, S, S) in [-1, 1] -> (N, C, side / stride, side / stride), fine to coarse."""
        if images.shape[-1] != self.side:
            images = F.interpolate(images, size=self.side, mode="bilinear", align_corners=False, antialias=True)
        return self._maps(images)

    @abstractmethod
    def _maps(self, images: Tensor) -> list[Tensor]:
        """Maps of (N, 3, side, side) in [-1, 1]."""


class MobileNetFeatures(Features):
    """MobileNet v1 at a quarter of its width, as RetinaFace uses it (Howard et al. 2017; Deng et al. 2020).

    Its state dict has the names of the common PyTorch port of RetinaFace. It wants blue, green, red from 0 to 255 with
    the mean colour of ImageNet taken off.

    Args:
        side: see `Features`.
    """

    channels = (16, 32, 64, 128, 256)
    strides = (2, 4, 8, 16, 32)
    mean = (104.0, 117.0, 123.0)

    def __init__(self, side: int = 128) -> None:
        super().__init__()
        self.side = side
        self.stage1 = nn.Sequential(
            _conv(3, 8, 2), _separable(8, 16, 1), _separable(16, 32, 2), _separable(32, 32, 1),
            _separable(32, 64, 2), _separable(64, 64, 1),
        )  # fmt: skip
        self.stage2 = nn.Sequential(_separable(64, 128, 2), *(_separable(128, 128, 1) for _ in range(5)))
        self.stage3 = nn.Sequential(_separable(128, 256, 2), _separable(256, 256, 1))
        self.register_buffer("colour", torch.tensor(self.mean).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def _maps(self, images: Tensor) -> list[Tensor]:
        x = (images.flip(1) + 1) * 127.5 - self.colour
        maps = []
        for part in (self.stage1[:2], self.stage1[2:4], self.stage1[4:], self.stage2, self.stage3):
            x = part(x)
            maps.append(x)
        return maps


class NetworkFeatures(Features):
    """Any network that returns a mapping or a list of maps, such as torchvision's feature extractors.

    Args:
        network: takes (N, 3, side, side), standardised; its maps must halve from one to the next.
        mean: of each colour in [0, 1] that is taken off; ImageNet's by default.
        deviation: by which what is left is divided.
        side: see `Features`.

    Raises:
        ValueError: the maps do not halve.
    """

    deviation: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: tuple[float, ...] = (0.485, 0.456, 0.406),
        deviation: tuple[float, ...] = (0.229, 0.224, 0.225),
        side: int = 128,
    ) -> None:
        super().__init__()
        self.network, self.side = network, side
        for name, values in (("colour", mean), ("deviation", deviation)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)
        with torch.no_grad():
            shapes = [tuple(x.shape) for x in self._maps(torch.zeros(1, 3, side, side))]
        self.channels, self.strides = tuple(s[1] for s in shapes), tuple(side // s[-1] for s in shapes)
        halving = [2 * fine for fine in self.strides[:-1]] == list(self.strides[1:])
        if not shapes or not halving or any(side % s[-1] for s in shapes):
            raise ValueError(f"every map must have half the side of the one before, got {shapes} for {side} px")

    def _maps(self, images: Tensor) -> list[Tensor]:
        found: Any = self.network(((images + 1) / 2 - self.colour) / self.deviation)
        return list(found.values() if isinstance(found, dict) else found)


def _conv(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False), nn.BatchNorm2d(out_channels), nn.LeakyReLU(0.1)
    )


def _separable(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """A 3×3 convolution of each channel alone, then a 1×1 convolution of all."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False), nn.BatchNorm2d(in_channels),
        nn.LeakyReLU(0.1), nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(0.1),
    )  # fmt: skip
