"""Reading a film: every frame that it promises, upright, with its time; one that cannot be decoded says so."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from deepanon.errors import FilmError
from deepanon.films.frames import Frame, Look, Picture
from deepanon.films.pictures import FAITHFUL, Pixels
from deepanon.films.planes import Planes

PQ, HLG = 16, 18  # transfer functions of HDR (ITU-T H.273)
UNSPECIFIED = 2
BT709, BT601 = 1, 5
HD = 720  # lines from which a film that does not say is taken for BT.709, as players do


class Film:
    """A film file, opened for reading. Use as a context manager.

    Args:
        path: anything that FFmpeg reads.

    Attributes:
        width: of the upright picture in pixels.
        height: likewise.
        time_base: unit of all times, in seconds.
        rate: frames a second, on average, as the file says.
        look: colours and pixel shape.
        rotation: quarter turns that were applied, in degrees counterclockwise.
        pages: whether each frame is a picture of its own; never for films.
        notes: what a user should know, one sentence each.
        left_out: streams that are never copied, one description each.

    Raises:
        FilmError: it cannot be opened, holds no pictures, or is of a kind that cannot be done safely.
    """

    pages = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FilmError(f"{path}: no such file")
        try:
            self._container: InputContainer = av.open(str(self.path))
        except (av.FFmpegError, OSError, UnicodeDecodeError) as error:
            raise FilmError(f"{path}: not a film that can be read ({_short(error)})") from error
        self._stream = self._picture_stream()
        self._stream.thread_type = "AUTO"
        context = self._stream.codec_context
        self.rotation = 0
        self.notes: list[str] = []
        self.time_base: Fraction = self._stream.time_base or Fraction(1, 1000)
        self.rate = Fraction(self._stream.average_rate or self._stream.guessed_rate or 25)
        self.look = self._look()
        self.width, self.height = context.width, context.height
        self._turn(self._first_rotation())
        self._check_format(context.pix_fmt or "")

    def __enter__(self) -> Film:
        return self

    def __exit__(self, *error: object) -> None:
        self._container.close()

    @property
    def seconds(self) -> float | None:
        """How long the file says it is."""
        if self._stream.duration is not None:
            return float(self._stream.duration * self.time_base)
        return None if self._container.duration is None else self._container.duration / av.time_base

    @property
    def promised(self) -> int | None:
        """How many frames the file says it has, or about as many."""
        if self._stream.frames:
            return self._stream.frames
        return None if self.seconds is None else round(self.seconds * self.rate)

    @property
    def sound(self) -> list[str]:
        """The codecs of its audio streams."""
        return [stream.codec_context.name for stream in self._container.streams.audio]

    @property
    def left_out(self) -> list[str]:
        """What else is in the file, and never in the output."""
        kept = {self._stream.index, *(stream.index for stream in self._container.streams.audio)}
        rest = [stream for stream in self._container.streams if stream.index not in kept]
        return [f"{stream.type} stream {stream.index}" for stream in rest]

    def frames(self, start: float | None = None, end: float | None = None) -> Iterator[Frame]:
        """Every frame shown from `start` until before `end`, in seconds; can be called again.

        A packet that cannot be decoded becomes a frame without pixels, at its time: nothing is dropped.

        Raises:
            FilmError: the size of the picture changes, or frames do not say when they are shown.
        """
        first, last = (None if limit is None else limit / self.time_base for limit in (start, end))
        self._container.seek(int(first) if first and first > 0 else self._begin(), stream=self._stream)
        self._stream.codec_context.flush_buffers()
        index = 0
        for pts, duration, decoded in self._decode():
            if last is not None and pts >= last:
                return
            if first is None or pts >= first:
                yield Frame(index, pts, duration, None if decoded is None else self._picture(decoded))
                index += 1

    def _begin(self) -> int:
        return min(self._stream.start_time or 0, 0)

    def _decode(self) -> Iterator[tuple[int, int, av.VideoFrame | None]]:
        """Time, duration and picture; packets that gave no picture come at their time, without one."""
        waiting: list[tuple[int, int]] = []  # times and durations of packets without a picture yet
        for packet in self._container.demux(self._stream):
            if packet.pts is not None and packet.size and not packet.is_discard:
                heapq.heappush(waiting, (packet.pts, packet.duration or 0))
            for frame in _decoded(packet):
                yield from self._settle(waiting, frame)
        for pts, duration in sorted(waiting):
            yield pts, duration, None

    def _settle(
        self, waiting: list[tuple[int, int]], frame: av.VideoFrame
    ) -> Iterator[tuple[int, int, av.VideoFrame | None]]:
        if frame.pts is None:
            raise FilmError(f"{self.path}: its frames do not say when they are shown; remux it first")
        duration = frame.duration or 0
        while waiting and waiting[0][0] <= frame.pts:
            pts, said = heapq.heappop(waiting)
            if pts < frame.pts:
                yield pts, said, None
            else:
                duration = duration or said
        yield frame.pts, duration, None if frame.is_corrupt else frame

    def _picture(self, frame: av.VideoFrame) -> Picture:
        turned = self.rotation % 180 != 0
        size = (self.height, self.width) if turned else (self.width, self.height)
        if (frame.width, frame.height) != size:
            raise FilmError(
                f"{self.path}: the picture changes from {size[0]}x{size[1]} to {frame.width}x{frame.height} "
                f"at {float((frame.pts or 0) * self.time_base):.2f} s; cut the film there and do the parts"
            )
        if Planes.fit(frame, self.look):
            planes = Planes(frame, self.look)
            return Pixels(np.rot90(planes.pixels, self.rotation // 90).copy()) if self.rotation else planes
        rgb = frame.to_ndarray(format="rgb24", src_colorspace=self.look.colorspace, interpolation=FAITHFUL)
        return Pixels(np.rot90(rgb, self.rotation // 90).copy())

    def _picture_stream(self) -> VideoStream:
        covers = av.stream.Disposition.attached_pic
        streams = [s for s in self._container.streams.video if not s.disposition & covers]
        if not streams:
            raise FilmError(f"{self.path}: holds no moving pictures")
        return streams[0]

    def _look(self) -> Look:
        context: Any = self._stream.codec_context
        aspect = Fraction(self._stream.sample_aspect_ratio or 1)
        space = int(context.colorspace)
        if space in (0, UNSPECIFIED):
            space = BT709 if context.height >= HD else BT601
        return Look(space, int(context.color_range), int(context.color_primaries), int(context.color_trc), aspect)

    def _first_rotation(self) -> int:
        """What the file says about how to turn its pictures, in degrees counterclockwise."""
        for packet in self._container.demux(self._stream):
            for frame in _decoded(packet):
                return int(frame.rotation)
        raise FilmError(f"{self.path}: not one of its frames can be decoded")

    def _turn(self, degrees: int) -> None:
        if degrees % 90:
            raise FilmError(f"{self.path}: is turned by {degrees} degrees; only quarter turns can be applied")
        self.rotation = degrees % 360
        if self.rotation % 180:
            self.width, self.height = self.height, self.width
        if self.rotation:
            self.notes.append(f"the film was turned by {self.rotation} degrees; its pictures are stored upright now")

    def _check_format(self, pixels: str) -> None:
        if self.look.color_trc == PQ:
            raise FilmError(f"{self.path}: HDR with PQ transfer is too dark for the detectors; convert it to SDR first")
        if self.look.color_trc == HLG:
            self.notes.append("HDR (HLG) is stored with 8 bits: smooth areas may show bands")
        elif pixels not in ("yuv420p", "yuvj420p"):
            self.notes.append(f"pixel format {pixels} is stored as 8-bit 4:2:0")
        if self.width % 2 or self.height % 2:
            self.notes.append(f"{self.width}x{self.height} is odd: the last row or column is stored twice")


def _decoded(packet: av.Packet) -> list[av.VideoFrame]:
    """The frames that a packet completes; none if it is damaged."""
    try:
        return [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
    except av.FFmpegError:
        return []


def _short(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
