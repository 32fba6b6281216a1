"""Where live pictures come from and where they go."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

from deepanon.films.frames import Frame, Look, Pictures
from deepanon.films.source import BT601, BT709, HD
from deepanon.geometry import Array

MPEG, UNSPECIFIED = 1, 2


class LiveSource(Pictures, Protocol):
    """Gives pictures one after the other, once.

    Attributes:
        name: what it is called in messages, and in the seeds of faces.
        waits: whether it holds on until its pictures are taken, as a pipe does; a camera does not.
    """

    name: str
    waits: bool

    def frames(self) -> Iterator[Frame]:
        """Every picture, times rising; one that cannot be read has no pixels. All sizes are `width` x `height`.

        Raises:
            FilmError: no more will come, though it has not ended.
        """
        ...


class Sink(Protocol):
    """Takes finished pictures."""

    def write(self, pts: int, pixels: Array) -> None:
        """Take the next one: its time in the source's time base, (H, W, 3) uint8 RGB."""
        ...

    def finish(self) -> None:
        """All pictures have come."""
        ...

    def abort(self) -> None:
        """No more will come, though it is not all: what there is must not look whole. Must not raise."""
        ...


def look_of(height: int) -> Look:
    """How values are shown that nobody said anything of: as players take them, by the number of lines."""
    return Look(BT709 if height >= HD else BT601, MPEG, UNSPECIFIED, UNSPECIFIED, Fraction(1))
