"""The new picture of a frame."""

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.detections import FIVE, Detections
from deepanon.films.covers import DRAWN, UNSURE, Covers
from deepanon.films.frames import Frame, Look
from deepanon.films.pictures import Pixels, converted
from deepanon.films.planes import Planes
from deepanon.films.rendering import Painter, _within_another
from deepanon.pipeline import replace_faces


def test_a_box_within_another_adds_nothing_and_of_twins_one_is_left():
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [1, 1, 5, 5], [3, 3, 12, 12], [0, 0, 9, 9]])
    assert _within_another(boxes).tolist() == [False, True, True, False, True]
    assert _within_another(np.zeros((0, 4))).tolist() == []


@pytest.mark.parametrize("form", ["pixels", "planes"])
@pytest.mark.parametrize("method", ["blackout", "gaussian9", "heavy_blur", "eye_bar", "gan"])
def test_boxes_that_overlap_are_redacted_first_and_then_drawn_each_from_what_was_there_before(method, form):
    """As on whole pictures, which are copied for each step: no face is made of one that was drawn before it."""
    rng = np.random.default_rng(0)
    pixels = np.kron(rng.integers(0, 256, (30, 40, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    look = Look(1, 1, 2, 2, 1)
    picture = Pixels(pixels) if form == "pixels" else Planes(converted(pixels, look, "yuv420p"), look)
    boxes = np.array([[40, 40, 100, 110], [70, 60, 140, 130], [90, 90, 150, 160]], dtype=np.float32)
    points = np.array(FIVE.template) * (boxes[:, None, 2:] - boxes[:, None, :2]) + boxes[:, None, :2]
    faces = Detections(boxes, np.ones(3), points)
    why = np.array([UNSURE, DRAWN, DRAWN])
    covers = Covers(np.zeros(3, int), np.arange(3), boxes, faces.scores, faces.points, faces.labels, why, FIVE)
    drawer, redactor, seeds = build_anonymizer(method), build_anonymizer("blackout"), [1, 2, 3]
    made = Painter(covers, drawer, redactor, seeds, steady=False)(Frame(0, 0, 1, picture), 320, 240)
    plain = replace_faces(replace_faces(picture.pixels, faces, redactor, seeds, [0]), faces, drawer, seeds, [1, 2])
    wanted = plain if form == "pixels" else Planes(converted(plain, look, "yuv420p"), look).pixels
    inner = np.s_[40:160, 40:150] if form == "pixels" else np.s_[44:108, 44:98]
    np.testing.assert_array_equal(made.pixels[inner], wanted[inner])
