"""MobileFaceNet (Chen et al. 2018, arXiv 1804.07573), with the names of the common PyTorch implementation's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

HEIGHT, WIDTH = 112, 96  # of the only pictures it takes
FEATURES = 128
# expansion, channels, how many, stride of the first: table 1 of the paper
BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))


class MobileFaceNet(nn.Module):
    """(N, 3, 112, 96) -> (N, 128), not normalised; inverted residuals, and a depthwise convolution in place of a mean.

    The last one weighs each place of the 7 x 6 map by itself, because a face's corners say less than its middle.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Block(3, 64, 3, 2, 1)
        self.dw_conv1 = _Block(64, 64, 3, 1, 1, groups=64)
        blocks, channels = [], 64
        for expansion, out, count, stride in BOTTLENECKS:
            for number in range(count):
                blocks.append(_Bottleneck(channels, out, 1 if number else stride, expansion))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = _Block(channels, 512, 1, 1, 0)
        self.linear7 = _Block(512, 512, (HEIGHT // 16, WIDTH // 16), 1, 0, groups=512, linear=True)
        self.linear1 = _Block(512, FEATURES, 1, 1, 0, linear=True)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, 112, 96) RGB, (level - 127.5) / 128 -> (N, 128)."""
        maps = self.conv2(self.blocks(self.dw_conv1(self.conv1(images))))
        features: Tensor = self.linear1(self.linear7(maps))
        return torch.flatten(features, 1)


class _Block(nn.Module):
    """Convolution, normalisation, and PReLU unless it is `linear`."""

    def __init__(
        self, given: int, out: int, kernel: int | tuple[int, int], stride: int, padding: int, groups: int = 1,
        linear: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.conv = nn.Conv2d(given, out, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out)
        self.prelu = None if linear else nn.PReLU(out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return x if self.prelu is None else self.prelu(x)


class _Bottleneck(nn.Module):
    """Wider, depthwise, narrow again; added to what came in where the shapes allow it."""

    def __init__(self, given: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide, self.adds = given * expansion, stride == 1 and given == out
        self.conv = nn.Sequential(
            nn.Conv2d(given, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.PReLU(wide),
            nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        new: Tensor = self.conv(x)
        return x + new if self.adds else new
