"""Reading: every frame, upright, at its time, and what cannot be decoded is not passed over."""

from fractions import Fraction

import av
import numpy as np
import pytest

from deepanon.errors import FilmError
from deepanon.films import Film


def frames(path, *span):
    with Film(path) as film:
        return [(float(f.pts * film.time_base), f.duration * film.time_base, f.pixels) for f in film.frames(*span)]


def test_every_frame_comes_at_its_time(tmp_path, kit):
    pictures, _ = kit.walk(20)
    pts = np.cumsum([0, *[40, 40, 80, 33, 200] * 4])[:20].tolist()
    path = kit.write(tmp_path / "a.mp4", pictures, pts)
    got = frames(path)
    assert [time for time, _, _ in got] == [at / 1000 for at in pts]
    for picture, (_, _, pixels) in zip(pictures, got, strict=True):
        assert np.abs(pixels.astype(int) - picture).mean() < 6
        assert pixels.dtype == np.uint8


def test_it_can_be_read_twice_and_in_part(tmp_path, kit):
    path = kit.write(tmp_path / "a.mp4", kit.walk(50)[0])
    with Film(path) as film:
        first, second = ([f.pixels for f in film.frames()] for _ in range(2))
        assert all((a == b).all() for a, b in zip(first, second, strict=True))
        part = list(film.frames(0.4, 1.2))
    assert [f.index for f in part] == list(range(20))
    assert [f.pts * film.time_base for f in part] == [Fraction(i, 25) for i in range(10, 30)]
    assert (part[0].pixels == first[10]).all()


@pytest.mark.parametrize(
    ("codec", "name", "options", "format_"),
    [
        ("libvpx", "a.webm", {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "200k"}, "yuv420p"),  # hidden frames
        ("libvpx-vp9", "a.webm", {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "200k"}, "yuv420p"),
        ("libx264", "a.ts", {"bf": "3"}, "yuv420p"),
        ("libx264", "a.flv", {"bf": "3"}, "yuv420p"),
        ("libx265", "a.mp4", {"x265-params": "log-level=none"}, "yuv420p"),
        ("mpeg4", "a.avi", {"bf": "2"}, "yuv420p"),
        ("mpeg2video", "a.ts", {"bf": "2"}, "yuv420p"),
        ("mjpeg", "a.mov", {}, "yuvj420p"),
        ("wmv2", "a.wmv", {}, "yuv420p"),
    ],
)
def test_no_frame_is_lost_or_made_up_whatever_the_codec(tmp_path, kit, codec, name, options, format_):
    pictures = kit.walk(60)[0]
    path = kit.write(
        tmp_path / name,
        pictures,
        codec=codec,
        options=options,
        pix_fmt=format_,
        time_base=Fraction(1, 25),
        sound=False,
    )
    got = frames(path)
    assert len(got) == 60
    assert np.allclose(np.diff([time for time, _, _ in got]), 0.04)
    for picture, (_, _, pixels) in zip(pictures, got, strict=True):
        assert np.abs(pixels.astype(int) - picture).mean() < 25


@pytest.mark.parametrize("rotate", [90, 180, -90])
def test_a_turned_film_is_read_upright(tmp_path, kit, rotate):
    picture = kit.draw([(0, 0, 40, 24)])  # a mark in the upper left as stored
    path = kit.write(tmp_path / "a.mp4", [picture] * 3, rotate=rotate, sound=False)
    pixels = frames(path)[0][2]
    expected = np.rot90(picture, rotate // 90)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 6
    with Film(path) as film:
        assert (film.width, film.height) == (expected.shape[1], expected.shape[0])
        assert "turned" in film.notes[0]


def test_a_damaged_packet_is_a_frame_without_pixels(tmp_path, kit):
    options = {"crf": "10", "preset": "ultrafast", "tune": "zerolatency"}
    path = kit.write(tmp_path / "a.mp4", kit.walk(30)[0], options=options)
    times = [time for time, _, _ in frames(path)]
    kit.damage(path, 12)
    got = frames(path)
    assert [time for time, _, _ in got] == times
    assert [i for i, (_, _, pixels) in enumerate(got) if pixels is None] == [12]


def test_a_film_that_breaks_off_is_read_to_its_end(tmp_path, kit):
    path = kit.write(tmp_path / "a.mkv", kit.walk(60)[0])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    got = frames(path)
    assert 10 < len(got) < 60


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [("a.mp4", b"", "not a film"), ("a.mp4", b"no film at all" * 99, "not a film"), ("b.mp4", None, "no such file")],
)
def test_what_is_no_film_is_refused(tmp_path, name, data, message):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(FilmError, match=message):
        Film(tmp_path / name)


def test_a_half_written_mp4_is_refused(tmp_path, kit):
    path = kit.write(tmp_path / "a.mp4", kit.walk(30)[0])
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(FilmError, match="not a film"):
        Film(path)


def test_sound_alone_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.m4a"), "w") as output:
        stream = output.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(FilmError, match="no moving pictures"):
        Film(tmp_path / "a.m4a")


def test_another_size_in_the_middle_is_refused_with_its_time(tmp_path, kit):
    """Two MPEG transport streams one after the other are one."""
    a, b = tmp_path / "a.ts", tmp_path / "b.ts"
    kit.write(a, kit.walk(10)[0], time_base=Fraction(1, 90000), sound=False)
    later = [3600 * (i + 10) for i in range(10)]
    kit.write(b, [kit.street(width=128, height=64)] * 10, pts=later, time_base=Fraction(1, 90000), sound=False)
    (tmp_path / "c.ts").write_bytes(a.read_bytes() + b.read_bytes())
    with pytest.raises(FilmError, match=r"changes from 160x96 to 128x64 at"):
        frames(tmp_path / "c.ts")


def test_hdr_is_refused_or_said(tmp_path, kit):
    pictures = kit.walk(3)[0]
    with pytest.raises(FilmError, match="PQ"):
        Film(kit.write(tmp_path / "a.mp4", pictures, color_trc=16, colorspace=9, color_primaries=9))
    with Film(kit.write(tmp_path / "b.mp4", pictures, color_trc=18, colorspace=9, color_primaries=9)) as film:
        assert "HLG" in film.notes[0]


@pytest.mark.parametrize("format_", ["yuv422p", "yuv420p10le", "yuv444p"])
def test_other_pixel_formats_are_read_and_said(tmp_path, kit, format_):
    pictures = kit.walk(3)[0]
    path = kit.write(tmp_path / "a.mp4", pictures, pix_fmt=format_)
    with Film(path) as film:
        assert format_ in film.notes[0]
    assert np.abs(frames(path)[0][2].astype(int) - pictures[0]).mean() < 6


def test_streams_besides_picture_and_sound_are_named(tmp_path, kit):
    plain = kit.write(tmp_path / "a.mp4", kit.walk(5)[0])
    with av.open(str(plain)) as source, av.open(str(tmp_path / "b.mkv"), "w") as output:
        copies = {s.index: output.add_stream_from_template(s) for s in source.streams}
        output.add_attachment("map.txt", "text/plain", b"where it was filmed")
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                output.mux(packet)
    with Film(tmp_path / "b.mkv") as film:
        assert film.left_out == ["attachment stream 2"]
        assert film.sound == ["aac"]
