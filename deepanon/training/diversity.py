"""What keeps a generator from ignoring its noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from deepanon.checks import check_count, check_weight


@dataclass(frozen=True)
class Diversity:
    """Pushes two drawings of one face from different noise apart, until they differ enough (after Mao et al. 2019).

    A discriminator never sees two faces for one context, so it is content with one. The distance is taken on small
    pictures, and their mean colour does not count: what differs must be larger than a pixel, or noise would do, and
    must have a shape, or light would do.

    Attributes:
        weight: of the loss, which is 1 for two equal drawings and 0 from `enough` on.
        enough: mean absolute difference of hidden pixels, whose range is 2.
        cells: side of the small pictures.
        every: batches from one such pair of drawings to the next; the weight is multiplied by it.
    """

    weight: float = 1.0
    enough: float = 0.15
    cells: int = 16
    every: int = 4

    def __post_init__(self) -> None:
        check_weight("diversity: weight", self.weight)
        check_weight("diversity: enough", self.enough, positive=True)
        check_count("diversity: cells", self.cells)
        check_count("diversity: every", self.every)

    def due(self, turn: int) -> bool:
        """Whether it is the turn of a batch."""
        return self.weight > 0 and turn % self.every == 0

    def loss(self, one: Tensor, other: Tensor, mask: Tensor) -> Tensor:
        """(N, 3, S, S) twice, (N, 1, S, S) -> scalar, weighted."""
        return self.weight * self.every * F.relu(1 - self.apart(one, other, mask) / self.enough).mean()

    def apart(self, one: Tensor, other: Tensor, mask: Tensor) -> Tensor:
        """(N,) mean absolute difference over what is hidden of the small pictures, that of their mean colours aside."""
        size = min(self.cells, one.shape[-1])
        hidden, difference = F.adaptive_avg_pool2d(mask, size), F.adaptive_avg_pool2d(one - other, size)
        cells = hidden.sum((2, 3), keepdim=True).clamp_min(1e-6)
        shaped = difference - (difference * hidden).sum((2, 3), keepdim=True) / cells
        return ((shaped.abs() * hidden).sum((2, 3), keepdim=True) / cells).mean(1).flatten()
