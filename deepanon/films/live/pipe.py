"""Raw pictures through standard input and output."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

from deepanon.errors import FilmError, OptionError
from deepanon.films.frames import Frame
from deepanon.films.live.pixels import PixelFormat
from deepanon.films.pictures import Pixels
from deepanon.geometry import Array


class Readable(Protocol):
    """What raw pictures are read from, such as `io.FileIO`: without a buffer, and waiting for bytes."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill as much of the buffer as there is; 0 at the end, None where it does not wait."""
        ...


class Writable(Protocol):
    """What raw pictures are written to, such as `io.FileIO`."""

    def write(self, data: memoryview, /) -> int | None:
        """Take as much of the data as it can; None where it does not wait."""
        ...


class PipeSource:
    """Raw pictures from a stream, which is made to wait while they are worked on: none is dropped.

    Args:
        stream: to read from.
        format_: pixel format and size of its pictures.
        rate: pictures a second; says when each is shown.
        name: what it is called.

    Attributes:
        left: bytes of a last picture that did not come in whole; it is dropped.

    Raises:
        OptionError: a rate that is not above 0.
    """

    waits, rotation = True, 0

    def __init__(self, stream: Readable, format_: PixelFormat, rate: Fraction, name: str = "stdin") -> None:
        if not rate > 0:
            raise OptionError(f"a rate must be above 0, got {float(rate):g}")
        self.stream, self.format, self.name, self.left = stream, format_, name, 0
        self.width, self.height, self.look = format_.width, format_.height, format_.look
        self.rate, self.time_base = rate, 1 / rate

    def frames(self) -> Iterator[Frame]:
        """Every whole picture; see `LiveSource`."""
        index = 0
        while (data := self._next()) is not None:
            yield Frame(index, index, 1, self._picture(data))
            index += 1

    def _next(self) -> bytearray | None:
        data = bytearray(self.format.size)  # a new one each: a picture is held for a while
        view, filled = memoryview(data), 0
        while filled < len(data):
            count = self.stream.readinto(view[filled:])
            if count is None:
                raise FilmError(f"{self.name} does not wait for bytes; open it so that reading blocks")
            if not count:
                self.left = filled
                return None
            filled += count
        return data

    def _picture(self, data: bytearray) -> Pixels | None:
        try:
            return Pixels(self.format.read(data))
        except Exception:  # whatever FFmpeg raises; a picture without pixels is written black
            return None


class PipeSink:
    """Writes raw pictures to a stream.

    Args:
        stream: to write to; `BrokenPipeError` of it is passed on.
        format_: pixel format and size.
    """

    def __init__(self, stream: Writable, format_: PixelFormat) -> None:
        self.stream, self.format = stream, format_

    def write(self, pts: int, pixels: Array) -> None:
        """Write one picture in whole; raw pictures have no times.

        Raises:
            FilmError: the stream does not take it.
        """
        view = memoryview(self.format.write(pixels))
        while view:
            count = self.stream.write(view)
            if not count:
                raise FilmError("what is written to does not wait; open it so that writing blocks")
            view = view[count:]

    def finish(self) -> None:
        """Nothing is kept back."""

    def abort(self) -> None:
        """What was written stays written; whoever reads sees the end, and the exit code says the rest."""
