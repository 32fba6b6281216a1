"""How exactly a generator is run, and what it may change."""

from __future__ import annotations

from dataclasses import dataclass

from deepanon.models.inference import TOLERANCE

FLOAT32, BF16 = "float32", "bf16"


@dataclass(frozen=True)
class Bound:
    """How far what is drawn may lie from what the network draws in float32, where 2 is the range of pixels.

    Attributes:
        largest: deviation of any value.
        mean: of the absolute deviations under the mask.
    """

    largest: float
    mean: float


PRECISIONS: dict[str, Bound] = {
    FLOAT32: Bound(TOLERANCE, TOLERANCE),
    BF16: Bound(0.3, 0.03),  # 38 and 4 of 255 levels; of the generators that ship some 8 and 0.5
}
