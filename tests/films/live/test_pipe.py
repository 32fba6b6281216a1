"""Pictures through streams that give and take as little as they like."""

import io
from fractions import Fraction

import numpy as np
import pytest

from deepanon.errors import FilmError, OptionError
from deepanon.films.live.pipe import PipeSink, PipeSource
from deepanon.films.live.pixels import PixelFormat

FORMAT = PixelFormat("rgb24", 8, 6)


class Slow(io.RawIOBase):
    """Gives and takes seven bytes at a time."""

    def __init__(self, data=b""):
        self.data, self.taken = data, bytearray()

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, buffer):
        count = min(7, len(buffer))
        part, self.data = self.data[:count], self.data[count:]
        buffer[: len(part)] = part
        return len(part)

    def write(self, data):
        self.taken += bytes(data[:7])
        return min(7, len(data))


class Hasty(Slow):
    """Does not wait."""

    def readinto(self, buffer):
        return None

    def write(self, data):
        return None


def pictures(count=3):
    return np.random.default_rng(0).integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)


def test_pictures_come_in_whole_and_keep_their_times():
    source = PipeSource(Slow(pictures().tobytes()), FORMAT, Fraction(30000, 1001))
    frames = list(source.frames())
    assert [(frame.index, frame.pts) for frame in frames] == [(0, 0), (1, 1), (2, 2)]
    assert source.time_base == Fraction(1001, 30000)
    np.testing.assert_array_equal([frame.pixels for frame in frames], pictures())
    assert source.left == 0


def test_a_picture_that_came_in_half_is_dropped_and_counted():
    source = PipeSource(Slow(pictures().tobytes()[:-5]), FORMAT, Fraction(25))
    assert len(list(source.frames())) == 2
    assert source.left == 8 * 6 * 3 - 5


def test_pictures_go_out_whole():
    stream = Slow()
    sink = PipeSink(stream, FORMAT)
    for i, picture in enumerate(pictures()):
        sink.write(i, picture)
    assert bytes(stream.taken) == pictures().tobytes()


def test_a_stream_that_does_not_wait_is_an_error_and_no_busy_loop():
    with pytest.raises(FilmError, match="does not wait"):
        list(PipeSource(Hasty(), FORMAT, Fraction(25)).frames())
    with pytest.raises(FilmError, match="does not wait"):
        PipeSink(Hasty(), FORMAT).write(0, pictures()[0])


def test_a_picture_that_cannot_be_read_has_no_pixels(monkeypatch):
    def broken(self, data):
        raise RuntimeError("swscale")

    monkeypatch.setattr(PixelFormat, "read", broken)
    frames = list(PipeSource(Slow(pictures().tobytes()), FORMAT, Fraction(25)).frames())
    assert [frame.pixels for frame in frames] == [None] * 3


def test_a_rate_must_be_above_zero():
    with pytest.raises(OptionError, match="above 0"):
        PipeSource(Slow(), FORMAT, Fraction(0))
