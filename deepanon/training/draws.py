"""Randomness of one training step, fixed by seed and clock alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Share:
    """Which part of the global batch this process holds: the `rank`-th of `world` equal ones."""

    rank: int = 0
    world: int = 1


def generator_for(seed: int, number: int) -> torch.Generator:
    """Source on the CPU for a run's `number`: runs whose seeds are neighbours share none of their first million."""
    return torch.Generator().manual_seed(seed * 1_000_003 + number)


class Draws:
    """Random numbers for the crops of one batch, made on the CPU whatever the device.

    They are drawn for the global batch and cut to this process's part, so that a crop meets the same numbers however
    many processes share the work.

    Args:
        seed: of the run.
        images_seen: the clock.
        n: crops of this process.
        device: where the numbers are wanted.
        share: this process's part.
    """

    def __init__(
        self, seed: int, images_seen: int, n: int, device: torch.device | str = "cpu", share: Share | None = None
    ) -> None:
        self.n, self.device, self.share = n, device, share or Share()
        self._source = generator_for(seed, images_seen)

    def uniform(self, *shape: int) -> Tensor:
        """(n, *shape) float32, uniform in [0, 1)."""
        return self._mine(torch.rand(self.n * self.share.world, *shape, generator=self._source))

    def normal(self, *shape: int) -> Tensor:
        """(n, *shape) float32, standard normal."""
        return self._mine(torch.randn(self.n * self.share.world, *shape, generator=self._source))

    def _mine(self, numbers: Tensor) -> Tensor:
        start = self.n * self.share.rank
        return numbers[start : start + self.n].to(self.device, non_blocking=True)
