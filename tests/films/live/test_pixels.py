"""Raw pictures: the same pixels come out, in as many bytes as FFmpeg writes."""

import av
import numpy as np
import pytest

from deepanon.errors import OptionError
from deepanon.films.live.pixels import FORMATS, SHARED, PixelFormat


def smooth(width=64, height=48):
    x, y = np.meshgrid(np.linspace(30, 220, width), np.linspace(30, 220, height))
    return np.stack([x, y, (x + y) / 2], -1).astype(np.uint8)


@pytest.mark.parametrize("name", ["rgb24", "bgr24"])
def test_plain_pixels_are_the_same_to_the_bit(name):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    format_ = PixelFormat(name, 7, 5)
    data = format_.write(pixels)
    assert data[:3] == bytes(pixels[0, 0] if name == "rgb24" else pixels[0, 0, ::-1])
    np.testing.assert_array_equal(format_.read(data), pixels)


def test_grey_stays_grey_to_the_bit():
    data = bytes(range(35))
    pixels = PixelFormat("gray", 7, 5).read(data)
    assert pixels.shape == (5, 7, 3)
    assert PixelFormat("gray", 7, 5).write(pixels) == data


@pytest.mark.parametrize("name", SHARED)
def test_shared_colour_comes_back_about_the_same(name):
    format_ = PixelFormat(name, 64, 48)
    data = format_.write(smooth())
    assert len(data) == format_.size
    change = np.abs(format_.read(data).astype(int) - smooth())
    assert change.mean() < 1.5
    assert change.max() < 10


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_has_the_bytes_that_ffmpeg_gives_it(name):
    frame = av.VideoFrame.from_ndarray(smooth(), format="rgb24").reformat(format=name)
    assert PixelFormat(name, 64, 48).size == frame.to_ndarray().nbytes


@pytest.mark.parametrize("name", FORMATS)
def test_black_is_black(name):
    format_ = PixelFormat(name, 64, 48)
    assert format_.read(format_.write(np.zeros((48, 64, 3), dtype=np.uint8))).max() <= 1


def test_what_does_not_fit_is_refused():
    with pytest.raises(OptionError, match=r"even.*65x48"):
        PixelFormat("yuv420p", 65, 48)
    with pytest.raises(OptionError, match="no pixels"):
        PixelFormat("rgb24", 0, 48)
    with pytest.raises(OptionError, match=r"rgba.*choose one of"):
        PixelFormat("rgba", 64, 48)  # transparency could hide a face from the detector
    with pytest.raises(ValueError, match="11 bytes"):
        PixelFormat("rgb24", 2, 2).read(b"x" * 11)
