"""Frames to compressed packets, a piece of the film at a time, so that a stopped run loses a piece and no more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from deepanon.errors import FilmError, OptionError, lookup
from deepanon.films.frames import Look, Picture, Pictures, Source
from deepanon.films.pictures import range_of
from deepanon.films.pieces import Piece

CODECS: dict[str, tuple[str, str, dict[str, str]]] = {  # encoder, pixel format, options; visually lossless each
    "h264": ("libx264", "yuv420p", {"crf": "17", "preset": "superfast"}),
    "hevc": ("libx265", "yuv420p", {"crf": "20", "preset": "medium", "x265-params": "log-level=none"}),
    "av1": ("libsvtav1", "yuv420p", {"crf": "24", "preset": "8"}),
    "vp9": ("libvpx-vp9", "yuv420p", {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "3"}),
    "ffv1": ("ffv1", "yuv420p", {}),
}
CONTAINERS: dict[str, tuple[str, str, tuple[str, ...]]] = {  # FFmpeg's name, usual codec, all codecs
    ".mp4": ("mp4", "h264", ("h264", "hevc", "av1", "vp9")),
    ".m4v": ("mp4", "h264", ("h264", "hevc", "av1")),
    ".mov": ("mov", "h264", ("h264", "hevc")),
    ".mkv": ("matroska", "h264", ("h264", "hevc", "av1", "vp9", "ffv1")),
    ".webm": ("webm", "vp9", ("vp9", "av1")),
}


@dataclass(frozen=True)
class Encoding:
    """How the pictures of a film are compressed.

    Args:
        codec: one of `CODECS`; None = the usual one of the container.
        crf: the codec's own measure of quality, lower is better; None = visually lossless.
        preset: the codec's own name for how much time it takes; None = a sensible one.

    Raises:
        OptionError: an unknown codec, or one without such a setting.
    """

    codec: str = "h264"
    crf: int | None = None
    preset: str | None = None

    def __post_init__(self) -> None:
        options = lookup(CODECS, self.codec, "codec")[2]
        for name in ("crf", "preset"):
            if getattr(self, name) is not None and name not in options:
                raise OptionError(f"codec {self.codec!r} has no {name}")

    @classmethod
    def for_file(
        cls, path: str | Path, codec: str | None = None, crf: int | None = None, preset: str | None = None
    ) -> Encoding:
        """The encoding for a file of that name; `OptionError` if its container is unknown or does not take `codec`."""
        suffix = Path(path).suffix.lower()
        if suffix not in CONTAINERS:
            raise OptionError(f"{path}: cannot write {suffix or 'a film without suffix'}; use {', '.join(CONTAINERS)}")
        chosen = cls(codec or CONTAINERS[suffix][1], crf, preset)
        chosen.check(suffix)
        return chosen

    def check(self, suffix: str) -> None:
        """Raise `OptionError` if files of that suffix do not take the codec."""
        possible = CONTAINERS[suffix][2]
        if self.codec not in possible:
            raise OptionError(f"{suffix} files do not hold {self.codec!r}; choose one of: {', '.join(possible)}")

    @property
    def encoder(self) -> str:
        """FFmpeg's name of the encoder."""
        return CODECS[self.codec][0]

    @property
    def pixels(self) -> str:
        """The pixel format."""
        return CODECS[self.codec][1]

    @property
    def options(self) -> dict[str, str]:
        """What the encoder is told."""
        said = {"crf": None if self.crf is None else str(self.crf), "preset": self.preset}
        return CODECS[self.codec][2] | {name: value for name, value in said.items() if value is not None}

    def apply(self, context: Any, film: Pictures) -> None:
        """Set up a codec context for the pictures of `film`."""
        context.width, context.height = even(film.width), even(film.height)
        context.pix_fmt, context.time_base, context.framerate = self.pixels, film.time_base, film.rate
        context.sample_aspect_ratio = 1 / film.look.aspect if film.rotation % 180 else film.look.aspect
        context.colorspace, context.color_range = film.look.colorspace, range_of(film.look)
        context.color_primaries, context.color_trc = film.look.color_primaries, film.look.color_trc
        context.options = self.options
        context.flags |= av.codec.context.Flags.global_header


def encode(frames: Iterable[tuple[int, Picture]], film: Source, encoding: Encoding) -> Piece:
    """Compress pictures, with an encoder of their own.

    Args:
        frames: time in the film's time base, and picture.
        film: where they come from.
        encoding: how.

    Raises:
        FilmError: the encoder cannot do it.
    """
    os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder tells its life on stderr otherwise
    context: Any = av.CodecContext.create(encoding.encoder, "w")
    encoding.apply(context, film)
    try:
        packets = [
            packet for frame in frames for packet in context.encode(video_frame(*frame, film.look, encoding.pixels))
        ]
        packets += context.encode(None)
    except (av.FFmpegError, ValueError) as error:
        raise FilmError(f"{encoding.encoder} cannot encode this film: {error}") from error
    return Piece(
        pts=np.array([packet.pts for packet in packets], dtype=np.int64),
        dts=np.array([packet.dts for packet in packets], dtype=np.int64),
        keys=np.array([packet.is_keyframe for packet in packets], dtype=bool),
        data=[bytes(packet) for packet in packets],
    )


def even(size: int) -> int:
    """The next even number: colour is stored for two pixels at a time."""
    return size + size % 2


def packets(piece: Piece, time_base: Fraction) -> Iterator[av.Packet]:
    """The packets of a piece, as FFmpeg knows them."""
    for pts, dts, key, data in zip(piece.pts, piece.dts, piece.keys, piece.data, strict=True):
        packet = av.Packet(data)
        packet.pts, packet.dts, packet.time_base, packet.is_keyframe = int(pts), int(dts), time_base, bool(key)
        yield packet


def video_frame(pts: int, picture: Picture, look: Look, format_: str) -> av.VideoFrame:
    """A picture as FFmpeg knows it, at its time, in the pixel format asked for; odd sizes become even."""
    frame = picture.video_frame(look, format_)
    frame.pts = pts
    return frame
