"""A U-Net (Ronneberger et al. 2015): pictures to pictures, with what was seen at every size handed on."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.checks import check_count


def _unit(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, 1, 1, bias=False),
        nn.BatchNorm2d(outside),
        nn.SiLU(),
        nn.Conv2d(outside, outside, 3, 1, 1, bias=False),
        nn.BatchNorm2d(outside),
        nn.SiLU(),
    )


class UNet(nn.Module):
    """What it gives is its input and a change to that: a method that does nothing is undone at once.

    At the smallest size a dense layer sees all of the picture at once.

    Args:
        side: of the square pictures in pixels, a multiple of 2 to the `depth`.
        width: channels at full size; twice as many at every half, 8 times at most.
        depth: how often the side is halved.
        dense: numbers that the whole picture is put in at the smallest size; 0 = no such layer.

    Raises:
        ValueError: `side` cannot be halved so often.
    """

    def __init__(self, side: int = 64, width: int = 16, depth: int = 4, dense: int = 256) -> None:
        super().__init__()
        if check_count("side", side) % 2 ** check_count("depth", depth):
            raise ValueError(f"side must be a multiple of {2**depth}, got {side}")
        self.side, self.depth = side, depth
        widths = [check_count("width", width) * min(2**level, 8) for level in range(depth + 1)]
        pairs = list(pairwise(widths))
        self.start = _unit(3, width)
        self.down = nn.ModuleList([_unit(inside, outside) for inside, outside in pairs])
        self.up = nn.ModuleList([_unit(inside + outside, inside) for inside, outside in reversed(pairs)])
        self.end = nn.Conv2d(width, 3, 1)
        flat = widths[-1] * (side // 2**depth) ** 2
        self.dense = (
            nn.Sequential(nn.Flatten(), nn.Linear(flat, dense), nn.SiLU(), nn.Linear(dense, flat)) if dense else None
        )
        nn.init.zeros_(self.end.weight)
        nn.init.zeros_(self.end.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, side, side) float in [-1, 1] -> the same shape, not clipped."""
        x, seen = self.start(images), []
        for unit in self.down:
            seen.append(x)
            x = unit(F.avg_pool2d(x, 2))
        if self.dense is not None:
            x = x + self.dense(x).view_as(x)
        for unit in self.up:
            x = unit(torch.cat([F.interpolate(x, scale_factor=2.0, mode="bilinear"), seen.pop()], dim=1))
        return images + self.end(x)
