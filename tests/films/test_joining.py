"""Joining: times and sound exactly as they were, and nothing else of the source."""

from fractions import Fraction
from itertools import islice

import av
import numpy as np
import pytest

from deepanon.errors import FilmError
from deepanon.films import Encoding, Film
from deepanon.films.encoding import encode
from deepanon.films.joining import check_sound, join


def remade(source, target, folder, pieces=1, **options):
    """The film of `source` again, in so many pieces."""
    encoding = Encoding.for_file(target, preset="ultrafast") if target.suffix != ".webm" else Encoding("vp9")
    span = options.get("start"), options.get("end")
    with Film(source) as film:
        frames = list(film.frames(*span))
        durations = np.array([frame.duration for frame in frames])
        frames, paths = iter((frame.pts, frame.picture) for frame in frames), []
        size = -(-len(durations) // pieces)
        for i in range(pieces):
            paths.append(folder / f"{i}.npz")
            encode(islice(frames, size), film, encoding).save(paths[-1])
        join(paths, film, encoding, target, durations, **options)
    return target


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("pieces", [1, 4])
def test_times_and_sound_are_what_they_were(tmp_path, kit, suffix, pieces):
    pts = np.cumsum([0, *[40, 40, 81, 33, 200, 17] * 5]).tolist()  # a variable rate
    source = kit.write(tmp_path / f"in{suffix}", kit.walk(len(pts))[0], pts)
    target = remade(source, tmp_path / f"out{suffix}", tmp_path, pieces)
    before, after = kit.shown(source), kit.shown(target)
    assert [time for time, _ in after] == [time for time, _ in before]
    for (_, a), (_, b) in zip(before, after, strict=True):
        assert np.abs(a.astype(int) - b).mean() < 6
    assert len(kit.heard(source)) > 10
    assert kit.heard(target) == kit.heard(source)
    with av.open(str(source)) as a, av.open(str(target)) as b:
        # Matroska does not say how long the last frame is shown
        assert b.duration == a.duration if suffix != ".mkv" else abs(b.duration - a.duration) <= 40_000


def test_nothing_else_rides_along(tmp_path, kit):
    plain = kit.write(tmp_path / "plain.mkv", kit.walk(10)[0])
    with av.open(str(plain)) as source, av.open(str(tmp_path / "in.mkv"), "w") as output:
        output.metadata.update({"title": "secret title", "location": "+52.5+13.4/", "artist": "secret"})
        copies = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for stream in copies.values():
            stream.metadata.update({"title": "secret stream", "language": "deu"})
        output.add_attachment("map.txt", "text/plain", b"secret place")
        output.set_chapters(
            [{"id": 1, "start": 0, "end": 100, "time_base": Fraction(1, 1000), "metadata": {"title": "secret"}}]
        )
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                output.mux(packet)
    assert b"secret" in (tmp_path / "in.mkv").read_bytes()
    target = remade(tmp_path / "in.mkv", tmp_path / "out.mkv", tmp_path)
    assert b"secret" not in target.read_bytes()
    assert b"+52.5" not in target.read_bytes()
    with av.open(str(target)) as film:
        assert [stream.type for stream in film.streams] == ["video", "audio"]
        assert film.streams.audio[0].language == "deu"
        assert film.chapters() == []


def test_sound_can_be_left_out(tmp_path, kit):
    source = kit.write(tmp_path / "in.mp4", kit.walk(10)[0])
    assert kit.heard(remade(source, tmp_path / "out.mp4", tmp_path, sound=False)) == []


def test_sound_that_a_container_does_not_hold_is_refused(tmp_path, kit):
    with Film(kit.write(tmp_path / "in.mp4", kit.walk(3)[0])) as film:
        check_sound(film, tmp_path / "out.mkv")
        with pytest.raises(FilmError, match=r"\.webm .* does not hold aac sound"):
            check_sound(film, tmp_path / "out.webm")


def test_a_span_begins_at_0_in_picture_and_sound(tmp_path, kit):
    source = kit.write(tmp_path / "in.mp4", kit.walk(50)[0])
    target = remade(source, tmp_path / "out.mp4", tmp_path, start=0.4, end=1.2)
    assert [round(time, 3) for time, _ in kit.shown(target)] == [round(0.04 * i, 3) for i in range(20)]
    whole, part = kit.heard(source), kit.heard(target)
    assert {data for _, _, data in part} < {data for _, _, data in whole}
    assert 0 <= float(part[0][0]) < 0.07
    assert 0.7 < float(part[-1][0]) < 0.8
