"""An axis: from numbers to places, and the round numbers on it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] to [start, end] in straight proportion."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where `value` lies; beyond the ends it is moved to them."""
        inside = min(max(value, self.low), self.high)
        return self.start + (inside - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """At most `most` round numbers, 1, 2 or 5 times a power of ten apart."""
        rough = (self.high - self.low) / max(most - 1, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(
            times * power
            for times in (1, 2, 5, 10, 20)
            if math.floor(self.high / (times * power) + 1e-9) - math.ceil(self.low / (times * power) - 1e-9) < most
        )
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def around(values: Iterable[float], start: float, end: float, share: bool = False, least: float = 0.02) -> Scale:
    """A scale that holds all finite `values` with some air; shares keep to 0 and, unless one is above, to 1.

    Args:
        values: what must be on it.
        start: place of its low end.
        end: place of its high end.
        share: whether they are shares of something.
        least: the smallest span; noise is not blown up to fill the picture.
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    air = max((high - low) * 0.08, least / 2)
    bottom, top = low - air, high + air
    if share or low >= 0:
        bottom = max(bottom, 0.0) if low >= 0 else bottom
    if share and high <= 1:
        top = min(top, 1.0) if high <= 1 - 1e-9 else 1.0 + (1.0 - bottom) * 0.02
    return Scale(bottom, top, start, end)
