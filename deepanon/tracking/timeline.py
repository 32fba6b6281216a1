"""When each frame of a film is shown, and where its scenes begin."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from deepanon.errors import OptionError
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Timeline:
    """What a track must know of its film.

    Attributes:
        times: (F,) float64 when each frame is shown, in seconds, rising.
        width: of the upright picture in pixels.
        height: likewise.
        cuts: (C,) int64 frames with which a new scene begins, rising; the first frame need not be among them.
        since: the first frame that anybody asks about: what covers only frames before it may be left out.

    Raises:
        OptionError: times that do not rise.
    """

    times: Array
    width: int
    height: int
    cuts: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    since: int = 0

    def __post_init__(self) -> None:
        late = np.flatnonzero(np.diff(self.times) <= 0)
        if late.size:
            raise OptionError(f"frame {late[0] + 1} is not shown after the one before it")

    def __len__(self) -> int:
        return len(self.times)

    @property
    def step(self) -> float:
        """Seconds between frames, the median; 1 for a single frame."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1.0

    def scene(self, frame: int) -> tuple[int, int]:
        """First frame of the scene that `frame` lies in, and the first of the next one."""
        at = int(np.searchsorted(self.cuts, frame, side="right"))
        start = int(self.cuts[at - 1]) if at else 0
        return start, int(self.cuts[at]) if at < len(self.cuts) else len(self)
