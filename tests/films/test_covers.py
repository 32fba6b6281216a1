"""What becomes of each face: drawn, or redacted for a reason that is said."""

import numpy as np
import pytest

from deepanon.detections import FIVE, Detections
from deepanon.errors import OptionError
from deepanon.films.covers import DRAWN, LEAP, POINTLESS, UNSEEN, UNSURE, Rules, cover, doubts
from deepanon.films.sightings import Sightings
from deepanon.tracking import Linker, Timeline


def seen(frames, damaged=(), cuts=(), fps=25, width=160, height=96):
    """Sightings of a list of (box, score, with keypoints) or None."""
    linker, times = Linker(FIVE), np.arange(len(frames)) / fps
    for i, face in enumerate(frames):
        faces = Detections.empty(FIVE)
        if face is not None:
            box, score, points = face
            box = np.array([box], dtype=np.float32)
            at = np.array(FIVE.template) * (box[0, 2:] - box[0, :2]) + box[0, :2]
            faces = Detections(box, np.array([score]), at[None] if points else None)
        linker.add(i, times[i], faces, cut=i in cuts)
    line = Timeline(times, width, height, np.array(cuts, dtype=np.int64))
    return Sightings(
        line,
        np.arange(len(frames)) * 40,
        np.full(len(frames), 40),
        np.array(damaged, dtype=np.int64),
        linker.finish(),
        FIVE,
    )


BOX = (60, 30, 84, 54)


def why(sightings, **rules):
    covers = cover(sightings, Rules(**rules))
    return [sorted(covers.at(i)[2].tolist()) for i in range(len(sightings.timeline))]


def test_a_face_that_is_found_is_drawn_and_what_lies_around_is_redacted():
    got = why(seen([None] * 30 + [(BOX, 0.99, True)] * 20 + [None] * 30))
    assert got == [[]] * 5 + [[UNSEEN]] * 25 + [[DRAWN]] * 20 + [[UNSEEN]] * 25 + [[]] * 5


def test_one_confident_detection_is_enough_for_a_track():
    frames = [(BOX, 0.5, True)] * 20
    assert why(seen(frames)) == [[UNSURE]] * 20
    frames[7] = (BOX, 0.95, True)
    assert why(seen(frames)) == [[DRAWN]] * 20
    assert why(seen(frames), sure=0.97) == [[UNSURE]] * 20


def test_padding_can_be_shorter():
    got = why(seen([None] * 10 + [(BOX, 0.99, True)] * 3 + [None] * 10), padding=0.2)
    assert got == [[]] * 5 + [[UNSEEN]] * 5 + [[DRAWN]] * 3 + [[UNSEEN]] * 5 + [[]] * 5
    with pytest.raises(OptionError, match="margin"):
        Rules(margin=-0.1)


def test_a_face_without_keypoints_is_redacted():
    frames = [(BOX, 0.99, i % 2 == 0) for i in range(10)]
    assert why(seen(frames)) == [[DRAWN], [POINTLESS]] * 5


def test_a_leap_is_redacted_and_a_short_hole_is_drawn():
    near = [(BOX, 0.99, True)] * 10 + [None] * 4 + [(BOX, 0.99, True)] * 10
    assert all(DRAWN in row for row in why(seen(near)))
    far = [(BOX, 0.99, True)] * 10 + [None] * 4 + [((80, 30, 104, 54), 0.99, True)] * 10
    got = why(seen(far))
    assert all(LEAP in row and DRAWN not in row for row in got[10:14])


def test_a_single_detection_is_kept():
    got = why(seen([None] * 10 + [(BOX, 0.99, True)] + [None] * 10))
    assert got == [[UNSEEN]] * 10 + [[DRAWN]] + [[UNSEEN]] * 10


def test_no_face_is_no_cover():
    covers = cover(seen([None] * 5), Rules())
    assert len(covers.frames) == 0
    faces, tracks, reasons = covers.at(2)
    assert (len(faces), len(tracks), len(reasons)) == (0, 0, 0)


def spans(sightings):
    found = doubts(sightings, cover(sightings, Rules()))
    return [(round(d.start, 2), round(d.end, 2), d.reason, d.track) for d in found]


def test_doubts_name_times_and_reasons():
    frames = [None] * 30 + [(BOX, 0.99, True)] * 20 + [None] * 30
    assert spans(seen(frames, damaged=[2, 3])) == [
        (0.08, 0.16, "could not be decoded", None),
        (0.2, 1.2, "not found before or after", 0),
        (2.0, 3.0, "not found before or after", 0),
    ]
    assert spans(seen([(BOX, 0.4, True)] * 25)) == [(0.0, 1.0, "never found with confidence", 0)]


def test_who_comes_in_and_goes_out_at_the_border_is_no_doubt():
    ways = [((6 * i - 10, 30, 6 * i + 14, 54), 0.99, True) for i in range(28)]
    assert spans(seen([None] * 20 + ways + [None] * 20)) == []


def test_a_scene_explains_beginning_and_end():
    frames = [None] * 10 + [(BOX, 0.99, True)] * 20 + [None] * 10
    assert spans(seen(frames, cuts=(10, 30))) == []


@pytest.mark.parametrize("count", [1, 3])
def test_what_a_box_outside_the_picture_covers_is_left_out(count):
    covers = cover(seen([((150, 30, 174, 54), 0.99, True)] * count), Rules())
    assert (covers.boxes[:, 0] < 160).all()
