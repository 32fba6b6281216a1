"""Progressive growing as data: which resolution, fade weight and batch size belong to how many images seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from deepanon.checks import check_count


@dataclass(frozen=True)
class Phase:
    """One stretch of training at one resolution: first `fade` images of growing in, then `stable` images.

    Attributes:
        resolution: height and width of the square crop in pixels, a power of two of at least 8.
        batch_size: images a step.
        fade: images over which the new layers are blended in linearly; 0 for the first phase.
        stable: images at full weight after the fade.
    """

    resolution: int
    batch_size: int
    fade: int
    stable: int

    def __post_init__(self) -> None:
        for name in ("resolution", "batch_size", "fade", "stable"):
            check_count(f"growth: {name}", getattr(self, name), 0)
        if self.resolution < 8 or self.resolution & (self.resolution - 1):
            raise ValueError(f"growth: resolution must be a power of two >= 8, got {self.resolution}")
        if self.batch_size < 1 or self.images < 1:
            raise ValueError(f"growth: batch_size and images must be positive, got {self}")

    @property
    def images(self) -> int:
        """Images seen in the whole phase."""
        return self.fade + self.stable


@dataclass(frozen=True)
class GrowthState:
    """Where training stands: the phase, its resolution and batch size, and the fade weight `alpha` in [0, 1]."""

    index: int
    resolution: int
    batch_size: int
    alpha: float


class Growth:
    """The schedule: phases of doubling resolution, indexed by images seen (not by steps).

    The paper's own schedule is 1.2 M images fade and 1.2 M stable a phase, starting at 8 px without a fade.
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self.phases = tuple(phases)
        if not self.phases:
            raise ValueError("growth: at least one phase is needed")
        if not all(isinstance(phase, Phase) for phase in self.phases):
            raise TypeError(f"growth: phases must be `Phase` objects, got {self.phases}")
        if self.phases[0].fade:
            raise ValueError("growth: the first phase has nothing to fade in from, its fade must be 0")
        sizes = [phase.resolution for phase in self.phases]
        if any(after != 2 * before for before, after in pairwise(sizes)):
            raise ValueError(f"growth: every phase must double the resolution, got {sizes}")

    @property
    def total_images(self) -> int:
        """Images seen when the last phase ends."""
        return sum(phase.images for phase in self.phases)

    @property
    def final_resolution(self) -> int:
        """Resolution of the last phase in pixels."""
        return self.phases[-1].resolution

    def at(self, images_seen: int) -> GrowthState:
        """Return the state after `images_seen` images; past the end the last phase goes on."""
        if images_seen < 0:
            raise ValueError(f"growth: images_seen must not be negative, got {images_seen}")
        start = 0
        for index, phase in enumerate(self.phases):
            if images_seen < start + phase.images or phase is self.phases[-1]:
                into = images_seen - start
                alpha = 1.0 if into >= phase.fade else into / phase.fade
                return GrowthState(index, phase.resolution, phase.batch_size, alpha)
            start += phase.images
        raise AssertionError("unreachable: the last phase has no end")

    def since(self, images_seen: int) -> int:
        """Images seen since the current phase began."""
        return images_seen - sum(phase.images for phase in self.phases[: self.at(images_seen).index])

    def grown(self, images_seen: int) -> int:
        """Resolution in pixels that has fully grown after `images_seen` images: layers above it are not trained yet.

        A resolution has grown when an image was drawn at full weight, or when its phase has ended, be it with its fade.
        """
        state = self.at(max(images_seen - 1, 0))  # how the last image was drawn
        ended = images_seen >= sum(phase.images for phase in self.phases[: state.index + 1])
        return state.resolution if state.alpha == 1 or ended else state.resolution // 2
