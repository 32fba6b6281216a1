"""How a new film is made, by the name of its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deepanon.errors import OptionError
from deepanon.films import animation, joining
from deepanon.films.animation import AnimationMaking
from deepanon.films.encoding import CONTAINERS, Encoding, encode
from deepanon.films.frames import Picture, Source
from deepanon.films.pieces import Piece
from deepanon.geometry import Array


class Making(Protocol):
    """Makes pieces of a film, and a file of the pieces."""

    def check(self, film: Source, target: Path, sound: bool) -> None:
        """Raise `FilmError` if the file cannot hold what it should."""
        ...

    def encode(self, frames: Iterable[tuple[int, Picture]], film: Source) -> Piece:
        """Compress consecutive pictures: each with its time in the film's time base."""
        ...

    def join(
        self,
        pieces: Iterable[Path],
        film: Source,
        target: Path,
        durations: Array,
        sound: bool,
        span: tuple[float | None, float | None],
    ) -> None:
        """Write the file; see `joining.join`."""
        ...


@dataclass(frozen=True)
class VideoMaking:
    """Makes a film file through FFmpeg."""

    encoding: Encoding

    def check(self, film: Source, target: Path, sound: bool) -> None:
        """Raise `FilmError` if the container does not take the sound."""
        if sound:
            joining.check_sound(film, target)

    def encode(self, frames: Iterable[tuple[int, Picture]], film: Source) -> Piece:
        """See `encoding.encode`."""
        return encode(frames, film, self.encoding)

    def join(
        self,
        pieces: Iterable[Path],
        film: Source,
        target: Path,
        durations: Array,
        sound: bool,
        span: tuple[float | None, float | None],
    ) -> None:
        """See `joining.join`."""
        joining.join(pieces, film, self.encoding, target, durations, sound=sound, start=span[0], end=span[1])


def making_for(target: Path, encoding: Encoding | None) -> Making:
    """What makes a file of that name; `OptionError` if nothing does, or `encoding` does not go with it."""
    suffix = target.suffix.lower()
    if suffix in animation.WRITERS:
        if encoding is not None:
            raise OptionError(f"{suffix} files have no codec, crf or preset")
        return AnimationMaking(suffix)
    if suffix not in CONTAINERS:
        possible = ", ".join((*CONTAINERS, *animation.WRITERS))
        raise OptionError(f"{target}: cannot write {suffix or 'a film without suffix'}; use {possible}")
    encoding = encoding or Encoding.for_file(target)
    encoding.check(suffix)
    return VideoMaking(encoding)
