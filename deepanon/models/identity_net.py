"""A small recogniser, and the head with a margin that teaches it to tell people apart."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.checks import check_count


class _Residual(nn.Module):
    """Two convolutions beside a shortcut; halves the side if `stride` is 2."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outside),
            nn.PReLU(outside),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outside),
        )
        self.aside = (
            nn.Identity()
            if stride == 1 and inside == outside
            else nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
        )
        self.activation = nn.PReLU(outside)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inside, H, W) -> (N, outside, H / stride, W / stride)."""
        return self.activation(self.main(x) + self.aside(x))


class IdentityNet(nn.Module):
    """Pictures of faces to features of who it is: four residual stages, each of half the side and twice the width.

    Args:
        side: of the square pictures in pixels, a multiple of 16.
        width: channels of the first stage; 16 gives about a million parameters, 32 four.
        features: D.
        blocks: residual blocks in a stage.

    Raises:
        ValueError: `side` is not a multiple of 16.
    """

    def __init__(self, side: int = 64, width: int = 16, features: int = 128, blocks: int = 1) -> None:
        super().__init__()
        if check_count("side", side) % 16:
            raise ValueError(f"side must be a multiple of 16, got {side}")
        for name, value in (("width", width), ("features", features), ("blocks", blocks)):
            check_count(name, value)
        self.side = side
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)]
        inside = width
        for stage in range(4):
            outside = width * 2**stage
            layers += [_Residual(inside, outside, 2), *(_Residual(outside, outside, 1) for _ in range(blocks))]
            inside = outside
        self.stages = nn.Sequential(*layers)
        # every place keeps weights of its own: where something is in a face says who it is
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(inside * (side // 16) ** 2, features, bias=False), nn.BatchNorm1d(features)
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, side, side) float in [-1, 1] -> (N, D) float, not normalised."""
        found: Tensor = self.head(self.stages(images))
        return found


class MarginHead(nn.Module):
    """CosFace (Wang et al. 2018): people as directions, and the right one must win by a margin of its cosine.

    Args:
        features: D.
        people: how many there are to be told apart.
        margin: that is taken off the cosine to the right person.
        scale: of the cosines before the softmax.
    """

    def __init__(self, features: int, people: int, margin: float = 0.2, scale: float = 24.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(check_count("people", people), check_count("features", features)))
        self.margin, self.scale = margin, scale

    def forward(self, vectors: Tensor, people: Tensor) -> Tensor:
        """(N, D) float and (N,) int64 in [0, people) -> () the mean loss."""
        cosines = F.normalize(vectors.float()) @ F.normalize(self.weight).T
        cosines = cosines - self.margin * F.one_hot(people, len(self.weight))
        return F.cross_entropy(self.scale * cosines, people)
