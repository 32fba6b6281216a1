"""What a film is made of, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av

from deepanon.geometry import Array
from deepanon.partly import Partly


@dataclass(frozen=True)
class Look:
    """How the values of a film are to be shown; numbers as in ITU-T H.273."""

    colorspace: int
    color_range: int
    color_primaries: int
    color_trc: int
    aspect: Fraction  # width of a pixel by its height


class Picture(Partly, Protocol):
    """One picture of a film, upright; it does not change."""

    def opened(self, windows: Array) -> tuple[Array, Array]:
        """The picture in RGB, and a copy to paint on, (H, W, 3) uint8 each.

        They show it in `windows`, (M, 4) int64 pixels, and may be black elsewhere.
        """
        ...

    def painted(self, before: Array, after: Array, windows: Array) -> Picture:
        """The picture with what was changed in an opened one; outside of `windows` nothing was."""
        ...

    def video_frame(self, look: Look, format_: str) -> av.VideoFrame:
        """The picture as FFmpeg knows it, in the pixel format asked for, and nothing but the picture."""
        ...


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a film.

    Attributes:
        index: counts the frames that are read, from 0.
        pts: when it is shown, in units of the film's time base.
        duration: for how long, in the same unit; 0 = not said.
        picture: upright; None if it could not be decoded.
    """

    index: int
    pts: int
    duration: int
    picture: Picture | None

    @property
    def pixels(self) -> Array | None:
        """(H, W, 3) uint8 RGB of the whole picture; None if there is none."""
        return None if self.picture is None else self.picture.pixels


class Pictures(Protocol):
    """What an encoder must know of the pictures that it is given; see `Film` for what each of these means."""

    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    look: Look
    rotation: int


class Source(Pictures, Protocol):
    """Where the frames of a film come from; see `Film` for what each of these means."""

    path: Path
    notes: list[str]
    pages: bool

    @property
    def promised(self) -> int | None:
        """How many frames there are said to be."""
        ...

    @property
    def sound(self) -> list[str]:
        """Codecs of the audio streams."""
        ...

    @property
    def left_out(self) -> list[str]:
        """What else is in the file, and never in the output."""
        ...

    def frames(self, start: float | None = None, end: float | None = None) -> Iterator[Frame]:
        """Every frame in order, from `start` until before `end`, in seconds."""
        ...
