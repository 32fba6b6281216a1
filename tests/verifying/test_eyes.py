"""What is seen on a pair of pictures, and what is wrong with it."""

import numpy as np
import pytest

from deepanon.errors import OptionError
from deepanon.verifying import Change, Eyes, Face, Limits

BOX = np.array([0, 0, 10, 10])


def face(survives=0.0, follows=0.0, similarity=np.nan, new=False):
    return Face(BOX, 0.99, Change(survives, follows, False), similarity, new)


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (face(), None),
        (face(0.1), None),
        (face(0.11), "exposed"),
        (face(0.11, new=True), None),
        (face(0.8, new=True), "exposed"),
        (face(0, 0.91), "resembles"),
        (face(similarity=0.5), None),
        (face(similarity=0.51), "similar"),
        (face(1, 1, 1), "exposed"),
    ],
)
def test_the_worst_is_said(seen, kind):
    wrong = Limits(similarity=0.5)(seen)
    assert (wrong[0] if wrong else None) == kind


def test_without_a_limit_nobody_is_similar():
    assert Limits()(face(similarity=1.0)) is None


@pytest.mark.parametrize("wrong", [{"covered": 1.1}, {"follows": -1}, {"similarity": 2}])
def test_limits_that_cannot_be(wrong):
    with pytest.raises(OptionError):
        Limits(**wrong)


def street():
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(60, 150, (16, 24)), np.ones((10, 10)))[..., None].repeat(3, 2).astype(np.uint8)


def test_a_face_that_only_the_output_shows_is_held_against_the_original(squares):
    """The detector is blind to the original's squares, as if it had missed them there."""
    original, output = street(), street()
    original[20:60, 20:60] = (176, 80, 180)
    output[20:60, 20:60] = (182, 80, 186)  # within what compression does
    original[30:50, 30:50] = output[30:50, 30:50] = (178, 60, 178)
    original[80:120, 100:140] = (40, 200, 40)
    output[80:120, 100:140] = (255, 0, 255)  # really new
    look = Eyes(squares)(original, output)
    assert [seen.new for seen in look.faces] == [True, True]
    assert [Limits()(seen) is not None for seen in look.faces] == [True, False]


def test_nothing_in_either_picture(squares):
    look = Eyes(squares)(street(), street())
    assert not len(look.faces)
    assert not look.foreign
    assert look.compared == 0


def test_the_recogniser_is_asked_but_not_about_black_boxes(squares, recogniser):
    original = street()
    original[20:60, 20:60] = (255, 0, 255)
    original[80:120, 100:140] = (255, 0, 255)
    original[30:40, 30:50] = original[90:100, 110:130] = (200, 70, 200)
    output = original.copy()
    output[20:60, 20:60] = 0
    look = Eyes(squares, recogniser)(original, output)
    assert np.isnan(look.faces[0].similarity)
    assert look.faces[1].similarity == pytest.approx(1, abs=1e-5)
    assert look.compared == 2
    assert len(look.strangers) == 1
