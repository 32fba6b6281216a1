"""Finding room for the names of points, so that none covers another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DISTANCES = (8, 14, 22, 32, 44, 58, 74, 92, 112, 134)
ANGLES = (0, 180, 30, -30, 150, -150, 60, -60, 120, -120, 90, -90)  # degrees; right first, then left


@dataclass(frozen=True)
class Box:
    """A rectangle on the plot."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def around(cls, x: float, y: float, reach: float) -> Box:
        """The square that reaches so far from a point."""
        return cls(x - reach, y - reach, x + reach, y + reach)

    def overlap(self, other: Box) -> float:
        """Area that two rectangles share."""
        wide = min(self.x1, other.x1) - max(self.x0, other.x0)
        high = min(self.y1, other.y1) - max(self.y0, other.y0)
        return wide * high if wide > 0 and high > 0 else 0.0

    def holds(self, other: Box) -> bool:
        """Whether `other` lies wholly inside."""
        return self.x0 <= other.x0 and self.y0 <= other.y0 and self.x1 >= other.x1 and self.y1 >= other.y1

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of the rectangle that is nearest to (x, y)."""
        return min(max(x, self.x0), self.x1), min(max(y, self.y0), self.y1)


def place(x: float, y: float, width: float, height: float, blocked: Sequence[Box], area: Box) -> Box:
    """Where a name of this size goes: the nearest free place around its point, else the one that covers least."""
    best, least = None, math.inf
    for distance in DISTANCES:
        for angle in ANGLES:
            box = _candidate(x, y, width, height, distance, math.radians(angle))
            if not area.holds(box):
                continue
            covered = sum(box.overlap(other) for other in blocked)
            if not covered:
                return box
            if covered < least:
                best, least = box, covered
    return best or _candidate(x, y, width, height, DISTANCES[0], 0.0)


def _candidate(x: float, y: float, width: float, height: float, distance: float, angle: float) -> Box:
    """The rectangle whose nearest side lies `distance` from the point in the direction of `angle`."""
    at_x, at_y = x + distance * math.cos(angle), y - distance * math.sin(angle)
    across = math.cos(angle)
    left = at_x if across > 0.1 else at_x - width if across < -0.1 else at_x - width / 2
    return Box(left, at_y - height / 2, left + width, at_y + height / 2)
