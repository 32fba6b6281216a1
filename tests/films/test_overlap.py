"""Decoding, looking, drawing and compressing go on at the same time, and change nothing by it."""

import threading
from pathlib import Path

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.errors import FilmError
from deepanon.films import FilmAnonymizer, FilmOptions, rendering, sightings
from deepanon.films.encoding import Encoding
from deepanon.films.frames import Frame
from deepanon.films.pictures import Pixels
from deepanon.films.rendering import render
from deepanon.films.sightings import look
from deepanon.seeds import Seeds

FAST = FilmOptions(Encoding(preset="ultrafast"))
LONG = 60  # seconds after which nobody comes any more


def one_after_the_other(source, size=4, single=False):
    """What `ahead` would be without a thread."""
    yield from source


def one_by_one(calls, threads, size=4):
    """What `side_by_side` would be without threads."""
    yield from (call() for call in calls)


class Source:
    """A film of grey frames; `decoded[i]` is set when frame i has been."""

    path, width, height, promised, pages = Path("grey.mp4"), 32, 32, None, False

    def __init__(self, count, fails=None):
        self.decoded, self.fails = [threading.Event() for _ in range(count)], fails

    def frames(self, start=None, end=None):
        for i, event in enumerate(self.decoded):
            if i == self.fails:
                raise FilmError("the disk is gone")
            event.set()
            yield Frame(i, i, 1, Pixels(np.full((32, 32, 3), i, np.uint8)))


class Painter:
    """Notes what was drawn, and may fail."""

    threads = 2

    def __init__(self, count, fails=None):
        self.drawn, self.fails, self.begun = [threading.Event() for _ in range(count)], fails, 0

    def begin(self):
        self.begun += 1

    def task(self, frame, width, height):
        def paint():
            if frame.index == self.fails:
                raise FilmError("cannot draw this")
            self.drawn[frame.index].set()
            return frame.picture

        return paint


class Piece:
    """What a `Making` has made."""

    def __init__(self, times):
        self.times = times

    def save(self, path):
        path.write_text(repr(self.times))


class Making:
    """Waits, with frame i in its hands, until what it is to overlap with has happened."""

    def __init__(self, wait=lambda i: True):
        self.wait, self.done = wait, 0

    def encode(self, frames, film):
        times = []
        for at, picture in frames:
            assert picture.pixels[0, 0, 0] == at % 256
            assert self.wait(at), "nothing happened meanwhile"
            times.append(at)
            self.done = at + 1
        return Piece(times)


def test_a_frame_is_decoded_while_faces_are_looked_for_in_the_one_before(tmp_path, kit):
    source = Source(12)

    def detector(image, name=""):
        i = int(image[0, 0, 0])
        assert i == 11 or source.decoded[i + 1].wait(LONG)
        return kit.Detector()(image)

    before = threading.active_count()
    look(source, detector, tmp_path / "journal")
    assert len((tmp_path / "journal").read_text().splitlines()) == 12
    assert threading.active_count() == before


def test_a_frame_is_drawn_while_the_one_before_is_compressed_also_from_piece_to_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "PIECE", 4)
    source, painter = Source(12), Painter(12)
    making = Making(lambda i: i == 11 or painter.drawn[i + 1].wait(LONG))
    told = []
    paths = render(source, painter, making, tmp_path, np.arange(12), progress=lambda *now: told.append(now))
    assert [path.read_text() for path in paths] == ["[0, 1, 2, 3]", "[4, 5, 6, 7]", "[8, 9, 10, 11]"]
    assert told == [("replacing", i + 1, 12) for i in range(12)]
    assert painter.begun == 3


def test_nobody_runs_far_ahead(tmp_path):
    source, painter = Source(60), Painter(60)
    most = rendering.ROOM + 4 + 6  # what waits, and what is in the hands of each thread

    def wait(i):
        assert sum(event.is_set() for event in source.decoded) - i <= most
        return True

    render(source, painter, Making(wait), tmp_path, np.arange(60))


def test_pieces_that_are_there_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "PIECE", 4)
    (tmp_path / "000000004.npz").write_text("made before")
    painter = Painter(12)
    paths = render(Source(12), painter, Making(), tmp_path, np.arange(12))
    assert [path.read_text() for path in paths] == ["[0, 1, 2, 3]", "made before", "[8, 9, 10, 11]"]
    assert not any(event.is_set() for event in painter.drawn[4:8])


@pytest.mark.parametrize("part", ["decoding", "drawing", "compressing", "looking"])
def test_what_fails_in_a_thread_ends_all_and_leaves_no_piece(part, tmp_path, monkeypatch, kit):
    monkeypatch.setattr(rendering, "PIECE", 8)
    before = threading.active_count()
    source = Source(12, fails=5 if part in ("decoding", "looking") else None)
    making = Making(lambda i: not (part == "compressing" and i == 5))
    painter = Painter(12, 5 if part == "drawing" else None)
    work = {"looking": lambda: look(source, kit.Detector(), tmp_path / "journal")}
    work = work.get(part, lambda: render(source, painter, making, tmp_path, np.arange(12)))
    with pytest.raises(AssertionError if part == "compressing" else FilmError):
        work()
    assert threading.active_count() == before
    assert list(tmp_path.glob("*.npz")) == []
    if part == "looking":  # what was seen before is kept
        assert len((tmp_path / "journal").read_text().splitlines()) == 5


@pytest.mark.parametrize("there", [11, 13])
def test_a_film_of_another_length_is_refused(there, tmp_path):
    with pytest.raises(FilmError, match="not the film that was looked at"):
        render(Source(there), Painter(there), Making(), tmp_path, np.arange(12))


@pytest.mark.parametrize("method", ["gaussian", "gan"])
def test_the_film_is_to_the_byte_what_it_is_without_threads(method, tmp_path, monkeypatch, kit):
    monkeypatch.setattr(rendering, "PIECE", 12)
    pictures, _ = kit.walk(30, blind=(7, 20))
    source = kit.write(tmp_path / "in.mp4", pictures)

    def made(name):
        FilmAnonymizer(kit.Detector(), build_anonymizer(method), Seeds.from_seed(1))(source, tmp_path / name, FAST)
        return (tmp_path / name).read_bytes()

    threaded = made("a.mp4")
    monkeypatch.setattr(rendering, "ahead", one_after_the_other)
    monkeypatch.setattr(rendering, "side_by_side", one_by_one)
    monkeypatch.setattr(sightings, "ahead", one_after_the_other)
    assert made("b.mp4") == threaded
