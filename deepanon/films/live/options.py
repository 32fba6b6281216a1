"""What is asked of a live run, and what became of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from deepanon.errors import OptionError
from deepanon.films.covers import Rules

DELAY, LONGEST = 0.5, 10.0  # seconds; pictures are held in memory


@dataclass(frozen=True)
class LiveOptions:
    """What a user can ask for.

    Args:
        delay: seconds for which each picture is held back, at most `LONGEST`.
        rules: when a face is drawn and when it is redacted.
        strict: end with an error where a picture would be written black.
        duration: seconds after which it ends; None = with the source.

    Raises:
        OptionError: a delay or duration that cannot be.
    """

    delay: float = DELAY
    rules: Rules = field(default_factory=Rules)
    strict: bool = False
    duration: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.delay <= LONGEST:
            raise OptionError(f"delay must be from 0 to {LONGEST:g} seconds, got {self.delay:g}")
        if self.duration is not None and not 0 < self.duration < math.inf:
            raise OptionError(f"duration must be above 0, got {self.duration:g}")


@dataclass
class LiveOutcome:
    """What became of the pictures, counted.

    Attributes:
        frames: pictures that were written.
        black: of these, how many could not be processed.
        dropped: pictures of a camera that came in too fast, and were neither looked at nor written.
        tracks: faces that were followed.
        drawn: how often a face was drawn.
        redacted: how often a box was redacted.
        held: the most pictures that were held back at a time.
    """

    frames: int = 0
    black: int = 0
    dropped: int = 0
    tracks: int = 0
    drawn: int = 0
    redacted: int = 0
    held: int = 0
