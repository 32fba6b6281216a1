"""Ways to undo a known method, with their strengths: one of them is chosen on the attacker's own people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from deepanon.audit.attacks.inversion import Faces, descend, richardson_lucy, wiener
from deepanon.audit.attacks.projection import Projection


class Recipe(Protocol):
    """One way with its strength; its text form says both."""

    def __call__(self, projection: Projection, faces: Faces) -> Tensor:
        """(N, 3, s, s) faces, clipped to [0, 1] by whoever shows them."""
        ...


@dataclass(frozen=True)
class Wiener:
    """Wiener's filter with the attacker's faces as prior.

    Attributes:
        noise: its K, a variance in shares of the squared range.
    """

    noise: float

    def __call__(self, projection: Projection, faces: Faces) -> Tensor:
        """See `wiener`."""
        return wiener(projection, faces, self.noise)


@dataclass(frozen=True)
class RichardsonLucy:
    """Richardson-Lucy deconvolution.

    Attributes:
        steps: of multiplication.
    """

    steps: int

    def __call__(self, projection: Projection, faces: Faces) -> Tensor:
        """See `richardson_lucy`."""
        return richardson_lucy(projection, self.steps)


@dataclass(frozen=True)
class Descent:
    """Gradients through the 8-bit operator, from Wiener's filter on.

    Attributes:
        variation: weight of the total variation.
        strange: weight of what lies outside the subspace of faces.
        steps: of Adam.
        noise: of Wiener's filter.
    """

    variation: float
    strange: float
    steps: int = 100
    noise: float = 1e-5

    def __call__(self, projection: Projection, faces: Faces) -> Tensor:
        """See `descend`."""
        start = wiener(projection, faces, self.noise)
        return descend(projection, start, faces, variation=self.variation, strange=self.strange, steps=self.steps)


RECIPES: tuple[Recipe, ...] = (
    *(Wiener(noise) for noise in (1e-7, 1e-6, 1e-5, 1e-4)),
    RichardsonLucy(100),
    Descent(variation=0.0, strange=1e-4, noise=1e-6),
    Descent(variation=0.0, strange=1e-3),
    Descent(variation=1e-5, strange=3e-3),
)
