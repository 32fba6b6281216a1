"""Compressing: pieces that come back as they were, colours that stay, and settings that are understood."""

from fractions import Fraction

import numpy as np
import pytest

from deepanon.errors import OptionError
from deepanon.films import CODECS, Encoding, Film
from deepanon.films.encoding import encode
from deepanon.films.joining import join
from deepanon.films.pieces import Piece


@pytest.fixture
def film(tmp_path, kit):
    with Film(kit.write(tmp_path / "in.mp4", kit.walk(12)[0])) as film:
        yield film


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_every_codec_keeps_pictures_and_times(tmp_path, kit, film, codec):
    pictures = [(frame.pts, frame.picture) for frame in film.frames()]
    encoding = Encoding(codec)
    encode(pictures, film, encoding).save(tmp_path / "0.npz")
    join([tmp_path / "0.npz"], film, encoding, tmp_path / "out.mkv", np.zeros(12), sound=False)
    got = kit.shown(tmp_path / "out.mkv")
    assert [time for time, _ in got] == [float(pts * film.time_base) for pts, _ in pictures]
    for (_, before), (_, after) in zip(pictures, got, strict=True):
        difference = after.astype(int) - before.pixels
        assert np.abs(difference).mean() < 4
        assert abs(difference.mean()) < 1  # nothing darkens


@pytest.mark.parametrize(("colorspace", "color_range"), [(1, 1), (5, 1), (1, 2), (9, 1)])
def test_colours_survive_every_matrix_and_range(tmp_path, kit, colorspace, color_range):
    patches = [(200, 30, 40), (30, 180, 60), (40, 50, 220), (250, 250, 250), (3, 3, 3), (180, 140, 120)]
    picture = kit.draw([(20 * i, 20, 20 * i + 20, 60) for i in range(6)], patches)
    options = {"colorspace": colorspace, "color_range": color_range}
    source = kit.write(tmp_path / "in.mp4", [picture] * 3, sound=False, **options)
    with Film(source) as film:
        pictures = [(frame.pts, frame.picture) for frame in film.frames()]
        encode(pictures, film, Encoding("ffv1")).save(tmp_path / "0.npz")
        join([tmp_path / "0.npz"], film, Encoding("ffv1"), tmp_path / "out.mkv", np.zeros(3), sound=False)
    with Film(tmp_path / "out.mkv") as film:
        assert (film.look.colorspace, film.look.color_range) == (colorspace, color_range)
        again = next(film.frames()).pixels
    inner = np.s_[24:56, [x for i in range(6) for x in range(20 * i + 4, 20 * i + 16)]]
    assert np.abs(again[inner].astype(int) - pictures[0][1].pixels[inner]).max() <= 3


def test_a_piece_comes_back_as_it_was(tmp_path, film):
    piece = encode([(frame.pts, frame.picture) for frame in film.frames()], film, Encoding())
    piece.save(tmp_path / "0.npz")
    again = Piece.load(tmp_path / "0.npz")
    for name in ("pts", "dts", "keys"):
        np.testing.assert_array_equal(getattr(piece, name), getattr(again, name))
    assert piece.data == again.data
    assert [pts * film.time_base for pts in sorted(piece.pts.tolist())] == [Fraction(i, 25) for i in range(12)]
    assert piece.keys[0]


def test_odd_sizes_become_even_by_repeating_the_last_row_and_column(tmp_path, kit):
    picture = kit.street(width=161, height=97)
    path = kit.write(tmp_path / "in.mkv", [picture] * 3, codec="ffv1", pix_fmt="yuv444p", options={}, sound=False)
    with Film(path) as film:
        assert "odd" in " ".join(film.notes)
        pictures = [(frame.pts, frame.picture) for frame in film.frames()]
        encode(pictures, film, Encoding("ffv1")).save(tmp_path / "0.npz")
        join([tmp_path / "0.npz"], film, Encoding("ffv1"), tmp_path / "out.mkv", np.zeros(3), sound=False)
    after = kit.shown(tmp_path / "out.mkv")[0][1]
    assert after.shape == (98, 162, 3)
    assert np.abs(after[:97, :161].astype(int) - pictures[0][1].pixels).mean() < 3


def test_settings_are_checked():
    assert Encoding("h264", 23, "slow").options == {"crf": "23", "preset": "slow"}
    with pytest.raises(OptionError, match="choose one of: av1, ffv1, h264"):
        Encoding("divx")
    with pytest.raises(OptionError, match="has no crf"):
        Encoding("ffv1", crf=3)


def test_the_container_says_the_codec():
    assert Encoding.for_file("a.webm").codec == "vp9"
    assert Encoding.for_file("A.MP4", "hevc").codec == "hevc"
    with pytest.raises(OptionError, match=r"\.webm files do not hold 'h264'; choose one of: vp9, av1"):
        Encoding.for_file("a.webm", "h264")
    with pytest.raises(OptionError, match=r"cannot write \.avi; use \.mp4"):
        Encoding.for_file("a.avi")
