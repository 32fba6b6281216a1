"""How sure a share can be when nothing, or everything, was seen."""

from __future__ import annotations

import math
from collections.abc import Callable


def zero_hits(people: int, level: float = 0.95) -> float:
    """One-sided upper limit of a share of which none of `people` showed anything (Clopper & Pearson 1934).

    A person's probes are alike, so that people are counted: 0 of 100 is 3.0 % or less, 0 of 300 is 1.0 % or less.
    """
    return 1 - (1 - level) ** (1 / people) if people else 1.0


def people_needed(bound: Callable[[int], float], level: float = 0.95) -> int | None:
    """How many people, 2 or more, without any hit bring the upper limit to `bound(people)`; None: over a million."""
    least = next((2**power for power in range(1, 21) if zero_hits(2**power, level) <= bound(2**power)), None)
    if least is None:
        return None
    low, high = least // 2, least
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if zero_hits(middle, level) <= bound(middle) else (middle, high)
    return high


def percent(share: float) -> str:
    """A share in percent, for sentences."""
    return "unknown" if math.isnan(share) else f"{100 * share:.1f} %"
