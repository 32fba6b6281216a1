"""Nobody who was found is exposed, and what goes wrong is black or ends all."""

import threading

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.detections import FIVE, Detections
from deepanon.errors import FilmError, OptionError
from deepanon.films.covers import Rules
from deepanon.films.live import LiveAnonymizer, LiveOptions
from deepanon.films.live.options import DELAY
from deepanon.seeds import Seeds


def run(live, pictures, sink=None, detector=None, method="blackout", seed=1, source=None, **options):
    """Outcome, sink, and what was said."""
    said, sink = [], sink or live.Kept()
    seeds = None if seed is None else Seeds.from_seed(seed)
    anonymizer = LiveAnonymizer(detector or live.Detector(), build_anonymizer(method), seeds)
    stop = options.pop("stop", lambda: False)
    outcome = anonymizer(source or live.Shown(pictures), sink, LiveOptions(**options), said.append, stop)
    return outcome, sink, said


class Failing:
    """The detector of these tests, that fails at some pictures."""

    name = description = "failing"

    def __init__(self, inner, at, result=None):
        self.inner, self.at, self.result, self.calls = inner, set(at), result, 0

    def __call__(self, image, name=""):
        self.calls += 1
        if self.calls - 1 in self.at:
            if self.result is None:
                raise RuntimeError("out of memory\nand more")
            return self.result
        return self.inner(image, name)


@pytest.mark.parametrize(
    ("delay", "blind", "seen"),
    [
        (0.5, [*range(8), 15, 16, 17, *range(22, 30), *range(40, 60)], []),
        (0, [*range(8), 15, 16, 17, *range(22, 30), *range(40, 60)], [*range(8)]),
        (0.2, [*range(8)], [*range(3)]),
    ],
)
def test_who_is_found_within_the_delay_is_exposed_in_no_picture(live, delay, blind, seen):
    pictures, boxes = live.walk(60, blind, step=1)
    outcome, sink, _ = run(live, pictures, delay=delay)
    assert live.exposed(sink.pictures, boxes) == seen
    assert live.exposed(pictures, boxes) == list(range(60))  # the measure itself sees them
    assert sink.pts == list(range(60))
    assert (sink.ended, outcome.frames, outcome.black, outcome.dropped) == ("finished", 60, 0, 0)
    assert outcome.tracks == 1
    assert outcome.drawn + outcome.redacted >= 60 - len(seen)


def test_faces_are_drawn_and_the_rest_stays(live):
    pictures, boxes = live.walk(8)
    _, sink, _ = run(live, pictures, method="gan")
    assert live.exposed(sink.pictures, boxes) == []
    for before, after in zip(pictures, sink.pictures, strict=True):
        np.testing.assert_array_equal(before[70:], after[70:])
        assert after[34:50, 24:40].std() > 0  # not black


def test_no_face_is_passed_on_to_the_bit(live):
    pictures = [live.street(seed=i) for i in range(5)]
    outcome, sink, said = run(live, pictures)
    np.testing.assert_array_equal(sink.pictures, pictures)
    assert (outcome.tracks, said) == (0, [])


@pytest.mark.parametrize("result", [None, "no detections", np.zeros((0, 4))])
def test_what_the_detector_fails_at_is_black(live, result):
    pictures, boxes = live.walk(20)
    outcome, sink, said = run(live, pictures, detector=Failing(live.Detector(), (0, 7, 8), result))
    black = [i for i, pixels in enumerate(sink.pictures) if not pixels.any()]
    assert black == [0, 7, 8]
    assert live.exposed(sink.pictures, boxes) == []
    assert outcome.black == 3
    assert len(said) == 1
    assert "0.00 s is black" in said[0]
    assert "\n" not in said[0]


def test_what_cannot_be_read_or_has_another_size_is_black(live):
    pictures, boxes = live.walk(20)
    pictures[5], pictures[9], pictures[12] = None, pictures[9][:-1], pictures[12].astype(np.float32)
    detector = live.Detector()
    outcome, sink, _ = run(live, pictures, detector=detector)
    assert [i for i, pixels in enumerate(sink.pictures) if not pixels.any()] == [5, 9, 12]
    assert live.exposed(sink.pictures, boxes) == []
    assert (outcome.black, detector.calls) == (3, 17)


@pytest.mark.parametrize("broken", ["raises", "nan"])
def test_what_the_generator_fails_at_is_black(live, monkeypatch, broken):
    import torch

    method = build_anonymizer("blackout")
    usual, calls = type(method).__call__, []

    def call(self, crops, seeds):
        calls.append(len(calls))
        if len(calls) in (3, 4):
            if broken == "raises":
                raise RuntimeError("CUDA error")
            return torch.full_like(usual(self, crops, seeds), float("nan"))
        return usual(self, crops, seeds)

    monkeypatch.setattr(type(method), "__call__", call)
    pictures, boxes = live.walk(12)
    said, sink = [], live.Kept()
    outcome = LiveAnonymizer(live.Detector(), method)(live.Shown(pictures), sink, LiveOptions(), said.append)
    assert [i for i, pixels in enumerate(sink.pictures) if not pixels.any()] == [2, 3]
    assert live.exposed(sink.pictures, boxes) == []
    assert outcome.black == 2
    assert "could not be drawn" in said[0]


def test_strict_ends_with_the_first_picture_that_would_be_black(live):
    pictures, _ = live.walk(20)
    sink = live.Kept()
    with pytest.raises(FilmError, match=r"0\.28 s could not be looked at: RuntimeError: out of memory \(--strict\)$"):
        run(live, pictures, sink, Failing(live.Detector(), (7,)), strict=True, delay=0.1)
    assert sink.ended == "aborted"
    assert len(sink.pts) <= 7


def test_nothing_but_black_and_nothing_at_all_are_errors(live):
    for pictures, message in (([None] * 5, "not one of 5 pictures"), ([], "no picture came in")):
        sink = live.Kept()
        with pytest.raises(FilmError, match=message):
            run(live, pictures, sink)
        assert sink.ended == "aborted"


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("error", [FilmError("unplugged"), RuntimeError("bug"), KeyboardInterrupt()])
def test_what_the_source_raises_ends_all_and_nothing_held_back_is_written(live, waits, error):
    """No thread may be left: the fixture of all these tests looks."""
    pictures, _ = live.walk(10)
    sink = live.Kept()
    with pytest.raises(type(error)):
        run(live, None, sink, source=live.Shown([*pictures, error], waits=waits))
    assert sink.ended == "aborted"
    assert sink.pts == []  # the delay was not over


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("error", [FilmError("disk full"), BrokenPipeError(), KeyboardInterrupt()])
def test_what_the_sink_raises_ends_all(live, waits, error):
    pictures, _ = live.walk(30)
    sink = live.Kept(fails=1, error=error)  # two pictures always come in, however busy the machine is
    slow = threading.Event()
    source = live.Shown(pictures, waits=waits, before=lambda index: slow.wait(0.02))
    with pytest.raises(type(error)):
        run(live, None, sink, source=source, delay=0)
    assert sink.ended == "aborted"
    assert len(sink.pts) == 1


def test_a_camera_that_is_too_fast_loses_pictures_before_they_are_looked_at(live):
    pictures, boxes = live.walk(40, step=1)
    read, detector = threading.Event(), live.Detector()
    source = live.Shown(pictures, waits=False, before=lambda index: index == 39 and read.set())
    sink = live.Kept(before=lambda: read.wait(20))
    outcome, _, said = run(live, None, sink, detector, source=source, delay=0)
    assert outcome.dropped > 20
    assert outcome.frames + outcome.dropped == 40
    assert detector.calls == outcome.frames
    assert live.exposed(sink.pictures, [boxes[i] for i in sink.pts]) == []
    assert len(said) == 1
    assert "left out" in said[0]


def test_a_pipe_waits_and_loses_nothing(live):
    pictures, _ = live.walk(30)
    ahead = []
    source, sink = live.Shown(pictures, before=ahead.append), live.Kept()
    sink.before = lambda: ahead.append(-1)
    outcome, _, _ = run(live, None, sink, source=source, delay=0.2)
    assert (outcome.frames, outcome.dropped) == (30, 0)
    assert outcome.held == 6  # 5 of 0.2 s, and the one that has just come
    assert ahead[:8] == [0, 1, 2, 3, 4, 5, -1, 6]  # none is read before one is gone


def test_a_track_keeps_its_face_and_another_run_gives_another(live):
    still = [live.draw([(60, 30, 92, 62)])] * 6
    faces = []
    for _ in range(2):
        _, sink, _ = run(live, still, method="gan", seed=None, delay=0)
        faces.append([pixels[30:62, 60:92].astype(int) for pixels in sink.pictures])
    within = max(np.abs(face - one[0]).mean() for one in faces for face in one)
    between = np.abs(faces[0][3] - faces[1][3]).mean()
    assert within < 0.2 * between


def test_a_secret_repeats_the_faces(live):
    pictures, _ = live.walk(6)
    first, again, other = (run(live, pictures, method="gan", seed=seed)[1].pictures for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (np.array(first) != np.array(other)).any()


def test_it_ends_after_the_duration_or_when_it_is_told(live):
    pictures, _ = live.walk(60)
    assert run(live, pictures, duration=1.0)[1].pts == list(range(25))
    asked = []
    stop = lambda: asked.append(0) or len(asked) > 10  # noqa: E731
    _, sink, _ = run(live, pictures, stop=stop)
    assert (sink.pts, sink.ended) == (list(range(10)), "finished")


def test_who_never_scores_is_redacted_and_so_is_a_face_without_points(live):
    pictures, boxes = live.walk(10)
    for detector in (live.Detector(score=0.5), live.Detector(points=False)):
        outcome, sink, _ = run(live, pictures, detector=detector, method="gan", rules=Rules(sure=0.9))
        assert outcome.drawn == 0
        assert live.exposed(sink.pictures, boxes) == []
        assert not sink.pictures[5][34:50, 34:50].any()


class Told:
    """A detector that knows where the face is and does not look."""

    name = description = "told"

    def __call__(self, image, name=""):
        box = np.array([[40, 24, 72, 56]], dtype=np.float32)
        return Detections(box, np.ones(1), (np.array(FIVE.template) * 32 + box[0, :2])[None])


@pytest.mark.parametrize(("method", "same"), [("gan", True), ("gan+gaussian", True), ("gaussian9", False)])
def test_what_was_in_the_box_does_not_matter(live, method, same):
    made = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        pictures = [live.street() for _ in range(4)]
        for picture in pictures:
            picture[28:52, 44:68] = rng.integers(0, 256, (24, 24, 3))
        made.append(np.array(run(live, pictures, detector=Told(), method=method)[1].pictures))
    assert np.array_equal(*made) is same


def test_impossible_options_are_refused(live):
    for wrong in ({"delay": -1}, {"delay": 11}, {"delay": float("nan")}, {"duration": 0}, {"duration": float("inf")}):
        with pytest.raises(OptionError):
            LiveOptions(**wrong)
    assert LiveOptions().delay == DELAY
    with pytest.raises(OptionError, match="sees the face"):
        LiveAnonymizer(live.Detector(), build_anonymizer("gan"), redactor=build_anonymizer("gaussian9"))
