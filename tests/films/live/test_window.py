"""What is decided about a picture when it is let go, from made-up faces."""

from dataclasses import fields

import numpy as np
import pytest

from deepanon.detections import FIVE, Detections
from deepanon.errors import OptionError
from deepanon.films.covers import DRAWN, UNSEEN, UNSURE, Rules, cover
from deepanon.films.frames import Frame
from deepanon.films.live.window import Window
from deepanon.films.sightings import Sightings
from deepanon.tracking import Linker, Timeline

WIDTH, HEIGHT = 640, 360
RULES = Rules(sure=0.9)


def box_at(x, y, side=40):
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2]


def faces(boxes, score=0.95):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    points = boxes[:, None, :2] + np.array(FIVE.template) * (boxes[:, None, 2:] - boxes[:, None, :2])
    return Detections(boxes, np.full(len(boxes), score), points)


def let_go(found, delay, rate=25, rules=RULES, watch=lambda window: None):
    """The covers of every frame, in the order in which they are let go, and after how many were taken."""
    window, due, when = Window(WIDTH, HEIGHT, rules, delay), [], []
    for i, one in enumerate(found):
        more = window.add(Frame(i, i, 1, None), i / rate, one if isinstance(one, Detections) else faces(one))
        due += more
        when += [i] * len(more)
        watch(window)
    rest = window.finish()
    assert [one.frame.index for one in due + rest] == list(range(len(found)))
    return [one.covers for one in due + rest], when


def whys(covers):
    """The reasons of each frame, as a set."""
    return [set(one.why.tolist()) for one in covers]


def walks(count, seed):
    """Faces on ways of their own, found now and then."""
    rng = np.random.default_rng(seed)
    found = [[] for _ in range(count)]
    for _ in range(3):
        way = rng.uniform(60, 300, 2) + np.outer(np.arange(count), rng.uniform(-2, 2, 2))
        for i in np.flatnonzero(rng.random(count) < 0.8):
            found[i].append(box_at(*way[i]))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_with_all_time_it_decides_as_films_do(seed):
    found = walks(80, seed)
    covers, _ = let_go(found, delay=10)
    linker = Linker(FIVE)
    for i, boxes in enumerate(found):
        linker.add(i, i / 25, faces(boxes))
    none = np.zeros(0, dtype=np.int64)
    line = Timeline(np.arange(80) / 25, WIDTH, HEIGHT)
    whole = cover(Sightings(line, none, none, none, linker.finish(), FIVE), RULES)
    assert len(whole.frames) > 200
    assert sum(len(one.frames) for one in covers) == len(whole.frames)
    for i, one in enumerate(covers):
        rows = whole.frames == i
        for name in ("tracks", "boxes", "why"):
            np.testing.assert_array_equal(getattr(one, name), getattr(whole, name)[rows])
        assert (one.frames == 0).all()


@pytest.mark.parametrize(("delay", "before"), [(0, 0), (0.2, 5), (0.4, 10), (2, 25)])
def test_a_face_is_covered_from_the_delay_before_it_is_found_and_for_the_padding_after(delay, before):
    """Found in frames 40 to 49 of 90, at 25 a second; a second of padding is the most."""
    found = [[box_at(300, 180)] if 40 <= i < 50 else [] for i in range(90)]
    covers, _ = let_go(found, delay)
    got = [i for i, one in enumerate(covers) if len(one.boxes)]
    assert got == list(range(40 - before, 75))
    assert whys(covers[40:50]) == [{DRAWN}] * 10
    assert whys(covers[40 - before : 40] + covers[50:75]) == [{UNSEEN}] * (before + 25)


@pytest.mark.parametrize(("hole", "delay", "drawn"), [(5, 0.5, True), (5, 0, False), (20, 0.5, False)])
def test_a_hole_shorter_than_the_delay_is_drawn_and_any_other_is_redacted(hole, delay, drawn):
    found = [[box_at(300, 180)] if not 40 <= i < 40 + hole else [] for i in range(90)]
    covers, _ = let_go(found, delay)
    assert all(len(one.boxes) for one in covers)
    assert all((DRAWN in why) is drawn for why in whys(covers[40 : 40 + hole]))
    assert {int(track) for one in covers for track in one.tracks} == {0}


def test_what_was_sure_once_stays_sure_also_when_that_is_long_ago():
    found = [faces([box_at(300, 180)], 0.95 if i == 5 else 0.5) for i in range(120)]
    covers, _ = let_go(found, 0.2)
    assert whys(covers) == [{DRAWN}] * 120  # frame 0 is let go with frame 5
    covers, _ = let_go([faces([box_at(300, 180)], 0.5)] * 30, 0.2)
    assert whys(covers) == [{UNSURE}] * 30


@pytest.mark.parametrize(
    ("delay", "rate", "when"), [(0, 25, [*range(60)]), (0.4, 25, [*range(10, 60)]), (0.5, 1, [*range(1, 60)])]
)
def test_pictures_are_let_go_when_they_are_due(delay, rate, when):
    """However slow the pictures are, each waits for the next one if there is any delay."""
    assert let_go([[]] * 60, delay, rate)[1] == when


@pytest.mark.parametrize("delay", [0, 0.5])
def test_it_remembers_no_more_however_long_it_runs(delay):
    sizes = []

    def watch(window):
        kept = sum(len(track) for track in window._linker.finish()) if window._linker else 0
        sizes.append((len(window._times), len(window._held), len(window._best), kept))

    let_go(walks(300, 0), delay, watch=watch)
    early, late = np.array(sizes[80:150]).max(0), np.array(sizes[230:]).max(0)
    assert (late <= 1.1 * early + 1).all(), (early, late)
    assert early[0] <= 25 * (delay + 1 + 0.6) + 6


def test_a_stall_loses_nobody_who_is_waited_for():
    """A camera that stops for ten seconds: the face of before is still followed, and the window counts right."""
    window = Window(WIDTH, HEIGHT, RULES, 0.2)
    times = [*(np.arange(20) / 25), *(10 + np.arange(40) / 25)]
    due = []
    for i, time in enumerate(times):
        due += window.add(Frame(i, i, 1, None), float(time), faces([box_at(300, 180)]))
    due += window.finish()
    assert [one.frame.index for one in due] == list(range(60))
    assert [one.time for one in due] == pytest.approx(times)
    assert all(len(one.covers.boxes) for one in due)


def test_times_must_rise():
    window = Window(WIDTH, HEIGHT, RULES, 0)
    window.add(Frame(0, 0, 1, None), 1.0, faces([]))
    with pytest.raises(OptionError, match="not shown after"):
        window.add(Frame(1, 1, 1, None), 1.0, faces([]))


def test_covers_are_of_one_frame():
    covers, _ = let_go(walks(30, 1), 0.2)
    for one in covers:
        assert {len(getattr(one, field.name)) for field in fields(one) if field.name != "schema"} == {len(one.boxes)}
