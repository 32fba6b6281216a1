"""Films, frame by frame: what is left of a face, what is missing, what rides along."""

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from deepanon.anonymizers import build_anonymizer
from deepanon.films import FilmAnonymizer
from deepanon.films.frames import Frame
from deepanon.verifying import Eyes, Limits
from deepanon.verifying.film_riders import film_riders
from deepanon.verifying.films import check_film, paired
from deepanon.verifying.pairing import Pair

FACE = (255, 0, 255)
COUNT = 20


def street():
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(60, 150, (12, 20)), np.ones((8, 8)))[..., None].repeat(3, 2).astype(np.uint8)


def pictures(hidden=()):
    """A patterned face that walks to the right; black in the frames of `hidden`."""
    for i in range(COUNT):
        image = street()
        x = 20 + 2 * i
        image[30:62, x : x + 32] = (0, 0, 0) if i in hidden else FACE
        if i not in hidden:
            image[38:46, x + 6 : x + 26 : 2] = (190, 70, 230)
        yield image


def write(path, images, pts=None, title=None, codec="libx264"):
    images = list(images)
    with av.open(str(path), "w") as output:
        if title:
            output.metadata["title"] = title
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = images[0].shape[1], images[0].shape[0], "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.options = {"crf": "14", "preset": "ultrafast"}
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = 40 * number if pts is None else pts[number], Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.fixture
def film(tmp_path):
    return write(tmp_path / "in.mp4", pictures())


@pytest.fixture
def check(film, squares):
    def of(output, **options):
        return check_film(Pair(film, output, "in.mp4"), Eyes(squares), Limits(), **options)

    return of


def test_a_film_that_was_anonymized_passes(film, squares, check, tmp_path):
    for suffix in (".mp4", ".mkv", ".webm", ".mov", ".gif", ".webp"):
        out = tmp_path / f"out{suffix}"
        FilmAnonymizer(squares, build_anonymizer("blackout"))(film, out)
        checked = check(out)
        assert not checked.findings, (suffix, [found.text for found in checked.findings])
        assert (checked.pictures, checked.faces) == (COUNT, COUNT)


def test_the_same_film_is_exposed_from_end_to_end(film, check):
    found = check(film).findings
    assert [f.kind for f in found] == ["exposed"]
    assert found[0].frames == COUNT
    assert found[0].span == pytest.approx((0, 0.76))


def test_a_face_that_was_left_is_no_finding_and_another_one_there_is(film, check):
    def at(index, away=0, side=32):
        return np.array([[20 + 2 * index + away, 30, 20 + 2 * index + away + side, 30 + side]], dtype=np.float32)

    assert check(film, left=lambda index: at(index, 2)).findings == []
    some = check(film, left=lambda index: at(index) if index < 15 else at(index)[:0]).findings
    assert [(f.kind, f.frames) for f in some] == [("exposed", 5)]
    for away, side in ((20, 32), (-40, 120)):  # beside it, or far larger: not this face
        assert [f.frames for f in check(film, left=lambda i, a=away, s=side: at(i, a, s)).findings] == [COUNT]


def test_a_few_frames_in_which_a_face_is_left_are_one_finding(check, tmp_path):
    out = write(tmp_path / "out.mkv", pictures(hidden=set(range(COUNT)) - {7, 8, 9}))
    found = check(out).findings
    assert [(f.kind, f.frames) for f in found] == [("exposed", 3)]
    assert found[0].span == pytest.approx((0.28, 0.36), abs=0.01)
    assert found[0].view


def test_frames_that_are_missing_or_too_many_are_said(check, film, squares, tmp_path):
    black = list(pictures(hidden=range(COUNT)))
    short = write(tmp_path / "short.mp4", black[:15])
    assert [(f.kind, f.frames) for f in check(short).findings] == [("missing", 5)]
    pts = [40 * i for i in range(COUNT) if i != 10]
    gap = write(tmp_path / "gap.mp4", black[:10] + black[11:], pts)
    assert [(f.kind, f.frames) for f in check(gap).findings] == [("missing", 1)]
    longer = write(tmp_path / "long.mp4", [*black, black[-1], black[-1]])
    assert [(f.kind, f.frames) for f in check(longer).findings] == [("extra", 2)]


def test_a_part_is_held_against_that_part(film, check, tmp_path):
    part = write(tmp_path / "part.mp4", list(pictures(hidden=range(COUNT)))[5:10])
    assert not check(part, span=(0.2, 0.4)).findings
    assert check(part).findings


def test_other_sizes_no_film_and_damage(check, tmp_path):
    small = write(tmp_path / "small.mp4", [image[:64, :64] for image in pictures()])
    assert [f.kind for f in check(small).findings] == ["not comparable"]
    Image.fromarray(street()).save(tmp_path / "a.png")
    assert "not comparable" in [f.kind for f in check(tmp_path / "a.png").findings]
    (tmp_path / "no.mp4").write_bytes(b"no film" * 99)
    assert [f.kind for f in check(tmp_path / "no.mp4").findings] == ["unreadable"]
    whole = write(tmp_path / "whole.mkv", pictures(hidden=range(COUNT))).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    assert {f.kind for f in check(tmp_path / "cut.mkv").findings} & {"missing", "unreadable"}


def test_frames_are_paired_by_time_and_read_one_at_a_time():
    class Reel:
        def __init__(self, pts, promised=None):
            self.pts, self.time_base, self.rate, self.promised = pts, Fraction(1, 1000), Fraction(25), promised
            self.path, self.given = __import__("pathlib").Path("a.mp4"), 0

        def frames(self, start=None, end=None):
            for index, pts in enumerate(self.pts):
                self.given += 1
                yield Frame(index, pts, 0, None)

    def shape(before, after):
        return [(old is not None, new is not None) for _, old, new in paired(Reel(before), Reel(after))]

    both, first, second = (True, True), (True, False), (False, True)
    assert shape([0, 40, 80], [1000, 1041, 1079]) == [both] * 3
    assert shape([0, 40, 80], [0, 80]) == [both, first, both]
    assert shape([0, 80], [0, 40, 80]) == [both, second, both]
    assert shape([0, 8, 16, 50], [0, 8, 50]) == [both, both, first, both]
    assert shape([], [0]) == [second]
    before = Reel(range(0, 400000, 40))
    reel = paired(before, Reel(range(0, 400000, 40)))
    next(reel)
    next(reel)
    assert before.given <= 3


def test_what_rides_along_in_films(film, tmp_path):
    assert film_riders(film) == []
    titled = write(tmp_path / "titled.mkv", pictures(), title="our house")
    assert film_riders(titled) == ["tag 'title' of the film"]
    boxed = tmp_path / "boxed.mp4"
    boxed.write_bytes(film.read_bytes() + b"\0\0\0\x18uuid" + b"x" * 16)
    assert film_riders(boxed) == ["box 'uuid' of 24 bytes"]


def test_attachments_ride_along(film, tmp_path):
    path = tmp_path / "covered.mkv"
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        pictures_ = output.add_stream_from_template(source.streams.video[0])
        output.add_attachment("font.ttf", "application/x-truetype-font", b"font")
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = pictures_
                output.mux(packet)
    found = film_riders(path)
    assert any("attachment" in text for text in found), found
