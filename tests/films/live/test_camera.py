"""A film file stands in for a camera, and a made-up one that fails."""

import itertools

import cv2
import numpy as np
import pytest

from deepanon.errors import FilmError, OptionError
from deepanon.films.live import camera as module
from deepanon.films.live.camera import Camera


@pytest.fixture
def film(tmp_path, live):
    return str(live.write(tmp_path / "in.mp4", live.walk(12)[0], sound=False))


def ticking(step=0.04):
    """A clock that goes on by a picture at each look."""
    times = itertools.count()
    return lambda: next(times) * step


class Fake:
    """What OpenCV gives: True and BGR pixels, or False and nothing."""

    def __init__(self, pictures, rate=30.0):
        self.pictures, self.rate, self.asked, self.released = iter(pictures), rate, {}, False

    def isOpened(self):
        return True

    def read(self):
        picture = next(self.pictures, None)
        if isinstance(picture, Exception):
            raise picture
        return picture is not None, picture

    def set(self, what, value):
        self.asked[what] = value

    def get(self, what):
        return self.rate

    def release(self):
        self.released = True


def given(monkeypatch, pictures, **more):
    fake = Fake(pictures, **more)
    monkeypatch.setattr(module, "_opened", lambda which: fake)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    return fake


def grey(value=90, width=16, height=12):
    return np.full((height, width, 3), value, dtype=np.uint8)


def test_its_pictures_are_upright_rgb_and_timed_by_the_clock(film, live):
    with Camera(film, clock=ticking()) as camera:
        frames = list(camera.frames())
        assert (camera.width, camera.height, camera.rate) == (160, 96, 25)
    assert [frame.pts for frame in frames] == [40 * (i + 1) for i in range(12)]
    for frame, (_, shown) in zip(frames, live.shown(film), strict=True):
        assert np.abs(frame.pixels.astype(int) - shown).mean() < 3  # red and blue are not exchanged


def test_times_rise_even_if_the_clock_stands_still(film):
    with Camera(film, clock=lambda: 5.0) as camera:
        assert [frame.pts for frame in camera.frames()] == list(range(12))


def test_a_camera_that_is_not_there_is_one_error(capfd):
    with pytest.raises(FilmError, match="camera 97 cannot be opened"):
        Camera(97)
    assert capfd.readouterr().err == ""


def test_another_size_than_asked_is_refused(film, monkeypatch):
    with pytest.raises(OptionError, match="gives 160x96, not 640x480"):
        Camera(film, size=(640, 480))
    fake = given(monkeypatch, [grey()] * 3)
    camera = Camera(0, size=(16, 12), rate=25)
    assert fake.asked == {cv2.CAP_PROP_FRAME_WIDTH: 16, cv2.CAP_PROP_FRAME_HEIGHT: 12, cv2.CAP_PROP_FPS: 25}
    with camera:
        pass
    assert fake.released


def test_what_cannot_be_read_has_no_pixels(monkeypatch):
    """No picture, another size, another kind, an error of OpenCV: each is a frame that will be black."""
    bad = [None, grey(width=20), grey()[..., 0], grey().astype(np.float32), cv2.error("driver")]
    given(monkeypatch, [grey(), *bad, grey(200), *[None] * 99])
    frames = Camera(0, clock=ticking()).frames()
    got = [next(frames).pixels for _ in range(7)]
    assert [pixels is None for pixels in got] == [False] + [True] * 5 + [False]
    assert (got[6] == 200).all()


def test_a_camera_that_is_unplugged_ends_with_an_error(monkeypatch):
    given(monkeypatch, [grey()] * 3)
    got = []
    with pytest.raises(FilmError, match="no more pictures"):
        got.extend(frame.pixels is None for frame in Camera(0, clock=ticking()).frames())
    assert got == [False] * 3 + [True] * module.PATIENCE
    given(monkeypatch, [])
    with pytest.raises(FilmError, match="gives no picture"):
        Camera(0)


@pytest.mark.parametrize(("said", "rate"), [(0.0, 30), (-1.0, 30), (float("nan"), 30), (15.0, 15), (1e9, 30)])
def test_a_rate_that_nobody_can_mean_is_not_believed(monkeypatch, said, rate):
    given(monkeypatch, [grey()], rate=said)
    assert Camera(0).rate == rate
