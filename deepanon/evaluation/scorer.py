"""A detector in the role of a judge."""

from __future__ import annotations

from dataclasses import dataclass

from deepanon.detectors import Detector
from deepanon.errors import OptionError


@dataclass(frozen=True)
class Scorer:
    """A detector that reports low scores too, and the score from which it counts a face as found.

    Attributes:
        detector: average precision needs everything that it can see; what it keeps to itself cannot be scored.
        threshold: in [0, 1]; where faces are counted as found or not, this is the line.
    """

    detector: Detector
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise OptionError(f"threshold of a scorer must lie in [0, 1], got {self.threshold}")
