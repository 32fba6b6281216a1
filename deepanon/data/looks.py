"""What one drawn face looks like: the head that it is, and how it happens to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from deepanon.geometry import Array

SKIN = ((246, 212, 188), (232, 186, 152), (214, 162, 122), (176, 122, 84), (130, 86, 58), (92, 60, 42))
HAIR = ((36, 27, 22), (62, 42, 28), (104, 68, 40), (168, 126, 74), (120, 60, 34), (150, 148, 146))
IRIS = ((70, 44, 24), (52, 84, 120), (62, 96, 62), (40, 30, 24))
CLOTH = ((60, 72, 110), (130, 48, 52), (52, 96, 78), (190, 186, 178), (44, 44, 50))


@dataclass(frozen=True)
class Build:
    """The shape of one head in face coordinates; what it is unless said otherwise is everybody's in `draw_face`."""

    eyes: tuple[float, float] = (0.37, -0.16)  # x of the right one in the picture, and y
    opening: tuple[float, float] = (1.0, 1.0)  # of the eyes, to the usual: width, height
    brows: tuple[float, float, float] = (0.27, 0.035, 1.0)  # height above the eye, half thickness, arch to the usual
    nose: tuple[float, float] = (0.34, 1.0)  # y of the tip, width to the usual
    mouth: tuple[float, float] = (0.28, 0.76)  # half width, y of its corners
    lips: float = 1.0  # thickness to the usual
    width: float = 0.94  # half, at the eyes
    chin: float = 1.3  # y
    taper: float = 0.16  # how much narrower towards the chin
    volume: float = 1.0  # of the hair, to the usual
    beard: float = 0.0  # 0 = none, 1 = full
    part: float | None = None  # x of the parting; None = 0.15 towards the light

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """Keypoints of the frontal face in the order of schema FIVE."""
        (x, y), (half, low) = self.eyes, self.mouth
        return (-x, y), (x, y), (0.0, self.nose[0]), (-half, low), (half, low)


@dataclass(frozen=True)
class Look:
    """What one face looks like; colours are (3,) float RGB in [0, 255]."""

    skin: Array
    hair: Array
    iris: Array
    cloth: Array
    light: float  # -1 = from the left of the picture, 1 = from the right
    turn: float  # radians the head is turned to the right of the picture
    tilt: float  # radians the head is tilted clockwise
    smile: float  # 0 = straight mouth, 1 = broad smile
    fringe: float  # y of the hairline
    length: float  # y where the hair ends at the sides
    build: Build = field(default_factory=Build)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Look:
        """A look by chance, of the usual build."""
        return cls(
            skin=colour(SKIN, 5, rng), hair=colour(HAIR, 5, rng), iris=colour(IRIS, 4, rng),
            cloth=colour(CLOTH, 12, rng), light=rng.uniform(-1, 1), turn=rng.uniform(-0.25, 0.25),
            tilt=rng.uniform(-0.12, 0.12), smile=rng.uniform(0, 1), fringe=rng.uniform(-1.0, -0.72),
            length=rng.uniform(0.1, 1.3),
        )  # fmt: skip

    @property
    def parting(self) -> float:
        """x where the hairline is highest."""
        return 0.15 * float(np.sign(self.light)) if self.build.part is None else self.build.part

    def place(self, x: float, y: float, depth: float) -> tuple[float, float]:
        """Where a point of the frontal face goes when the head is turned (the tilt is in the canvas)."""
        return x * np.cos(self.turn) + 0.75 * depth * np.sin(self.turn), y


def colour(palette: Sequence[Sequence[int]], spread: float, rng: np.random.Generator) -> Array:
    """(3,) one of a palette, a little off."""
    return np.clip(palette[int(rng.integers(len(palette)))] + rng.normal(0, spread, 3), 5, 250)
