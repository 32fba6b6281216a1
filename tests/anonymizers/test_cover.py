"""Methods that fill a box from its surroundings: one colour, and a number plate."""

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.anonymizers.cover import Hole
from deepanon.anonymizers.plate import plate
from deepanon.crops import GREY
from deepanon.detections import Detections
from deepanon.pipeline import replace_faces


def plates(*boxes):
    return Detections(np.array(boxes, np.float32), np.ones(len(boxes)), labels=np.full(len(boxes), "plate"))


def hole(height, width, level=200, seed=0):
    return Hole(height, width, np.full((9, 3), level, np.uint8), np.random.default_rng(seed))


def test_solid_is_the_colour_of_the_ring():
    image = np.full((100, 140, 3), (40, 90, 200), np.uint8)
    image[:, :20] = 255  # far away: does not count
    image[30:50, 60:100] = 7
    out = replace_faces(image, plates([60, 30, 100, 50]), build_anonymizer("solid"), [1])
    expected = image.copy()
    expected[30:50, 60:100] = (40, 90, 200)
    assert np.array_equal(out, expected)


def test_solid_takes_no_colour_from_another_box():
    """The neighbour's box fills the ring on one side; its grey and its pixels both stay out."""
    image = np.full((60, 120, 3), 200, np.uint8)
    image[20:40, 40:60] = 0
    image[10:50, 61:110] = 90
    out = replace_faces(image, plates([40, 20, 60, 40], [61, 10, 110, 50]), build_anonymizer("solid"), [1, 2])
    assert (out == 200).all()


def test_solid_without_surroundings_is_grey():
    image = np.random.default_rng(0).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    out = replace_faces(image, plates([0, 0, 30, 30]), build_anonymizer("solid"), [1])
    assert set(np.unique(out)) <= {0, GREY}  # what lies outside the picture counts as black


@pytest.mark.parametrize("size", [(40, 180), (80, 100), (11, 48), (300, 1300)])
def test_a_plate_has_paper_and_ink_over_all_its_length(size):
    made = plate(hole(*size)).astype(int)
    assert made.shape == (*size, 3)
    grey = made.mean(-1)
    dark, light = grey < 100, grey > 200
    assert 0.1 < dark.mean() < 0.6
    assert light.mean() > 0.3
    inner = dark[size[0] // 4 : 3 * size[0] // 4]
    thirds = np.array_split(inner[:, size[1] // 12 : -size[1] // 12], 3, axis=1)
    assert all(part.mean() > 0.05 for part in thirds)  # characters everywhere, not in a corner


def test_the_seed_decides_the_characters():
    first, again, other = (plate(hole(40, 180, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert (first != other).any(-1).mean() > 0.1
    assert len({plate(hole(40, 180, seed=seed)).tobytes() for seed in range(200)}) == 200


def test_long_boxes_have_one_row_and_others_two():
    """Between two rows lies a line of bare paper."""
    bare = [(plate(hole(90, width))[45, 12:-12].min() > 200) for width in (400, 120)]
    assert bare == [False, True]


def test_a_plate_at_night_is_dark():
    day, night = (plate(hole(40, 180, level)).max() for level in (220, 10))
    assert day > 230
    assert night < 110


@pytest.mark.parametrize("height", range(1, 14))
@pytest.mark.parametrize("width", [1, 2, 5, 9, 40])
def test_any_size_can_be_drawn(height, width):
    assert plate(hole(height, width)).shape == (height, width, 3)
