"""Sources and sinks in memory, and the check that no thread is left behind."""

import threading
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from deepanon.films.frames import Frame
from deepanon.films.live.ends import look_of
from deepanon.films.pictures import Pixels


class Shown:
    """A `LiveSource` of pictures in memory; what is an exception is raised at its place, None is a picture unread."""

    rotation = 0

    def __init__(self, pictures, rate=25, waits=True, size=(160, 96), before=lambda index: None):
        self.pictures, self.name, self.waits, self.before = pictures, "shown", waits, before
        self.rate, self.time_base = Fraction(rate), 1 / Fraction(rate)
        self.width, self.height = size
        self.look = look_of(self.height)

    def frames(self):
        for index, pixels in enumerate(self.pictures):
            self.before(index)
            if isinstance(pixels, BaseException):
                raise pixels
            yield Frame(index, index, 1, None if pixels is None else Pixels(pixels))


class Kept:
    """A `Sink` that keeps everything, and may fail at one picture."""

    def __init__(self, fails=None, error=None, before=lambda: None):
        self.pts, self.pictures, self.ended = [], [], None
        self.fails, self.error, self.before = fails, error, before

    def write(self, pts, pixels):
        self.before()
        if len(self.pts) == self.fails:
            raise self.error
        assert pixels.dtype == np.uint8
        self.pts.append(pts)
        self.pictures.append(pixels.copy())

    def finish(self):
        assert self.ended is None
        self.ended = "finished"

    def abort(self):
        self.ended = "aborted"


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if not thread.name.startswith("deepanon-lane")]  # those are a generator's own


@pytest.fixture
def live(kit):
    """`kit`, and sources and sinks in memory."""

    def exposed(pictures, boxes, share=0.1):
        """Frames in which a tenth of a face or more is still to be seen, by its colours."""
        found = []
        for i, (pixels, (x0, y0, x1, y1)) in enumerate(zip(pictures, boxes, strict=True)):
            part = pixels[max(y0, 0) : y1, max(x0, 0) : x1].reshape(-1, 3).astype(int)
            near = [np.abs(part - colour).max(1) < 40 for colour in (kit.FACE, kit.BLIND)]
            if len(part) and np.logical_or(*near).mean() > share:
                found.append(i)
        return found

    return SimpleNamespace(**vars(kit), Shown=Shown, Kept=Kept, exposed=exposed)
