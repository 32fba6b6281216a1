import numpy as np
import pytest

from deepanon.audit.people.drawn import draw_people
from deepanon.data.looks import Build
from deepanon.detections import FIVE
from deepanon.errors import OptionError


@pytest.fixture(scope="module")
def drawn():
    return draw_people(6, 4, seed=3)


def test_photos_come_person_by_person_with_one_face_each(drawn):
    assert [photo.person for photo in drawn] == [person for person in range(6) for _ in range(4)]
    for photo in drawn:
        assert (photo.pixels.shape, photo.pixels.dtype) == ((112, 112, 3), np.uint8)
        assert (len(photo.faces), photo.faces.schema) == (1, FIVE)
        (x0, y0, x1, y1), points = photo.faces.boxes[0], photo.faces.points[0]
        assert 0 <= x0 < x1 <= 112
        assert 0 <= y0 < y1 <= 112
        assert ((points > (x0, y0)) & (points < (x1, y1))).all()


def test_eyes_lie_where_the_points_say():
    """Pupil beside white: no other place of a face has such contrast within a few pixels."""
    for photo in draw_people(5, 2, seed=0, size=200):
        grey = photo.pixels.mean(2)
        for x, y in np.rint(photo.faces.points[0, :2]).astype(int):
            assert np.ptp(grey[y - 3 : y + 4, x - 10 : x + 11]) > 60


def test_photos_of_one_person_are_more_alike_than_of_two(drawn):
    """Shapes of heads, taken from points that a turned head moves little: heights, in widths of the box."""
    heights = np.array([_heights(photo) for photo in drawn])
    apart = np.linalg.norm(heights[:, None] - heights[None], axis=2)
    same = np.equal.outer([p.person for p in drawn], [p.person for p in drawn])
    assert np.median(apart[same & (apart > 0)]) < 0.5 * np.median(apart[~same])


def _heights(photo):
    points = photo.faces.points[0]
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    length = np.linalg.norm(mouth - eyes)
    return np.linalg.norm(points[1] - points[0]) / length, np.linalg.norm(points[4] - points[3]) / length


def test_no_two_photos_are_the_same(drawn):
    pixels = np.stack([photo.pixels for photo in drawn]).reshape(len(drawn), -1).astype(int)
    for row, one in enumerate(pixels):
        assert (np.abs(pixels[row + 1 :] - one).mean(1) > 5).all()


def test_the_seed_decides_and_numbers_do_not(drawn):
    few = draw_people(2, 3, seed=3)
    for photo, number in zip(few, (0, 1, 2, 4, 5, 6), strict=True):
        assert np.array_equal(photo.pixels, drawn[number].pixels)
        assert np.array_equal(photo.faces.boxes, drawn[number].faces.boxes)
    assert not np.array_equal(draw_people(1, 1, seed=4)[0].pixels, drawn[0].pixels)


def test_the_usual_build_has_the_points_of_drawn_faces():
    assert Build().points == ((-0.37, -0.16), (0.37, -0.16), (0.0, 0.34), (-0.28, 0.76), (0.28, 0.76))


@pytest.mark.parametrize("numbers", [(0, 1, 0), (1, 0, 0), (1, 1, 0, 31)])
def test_numbers_that_are_too_small_are_refused(numbers):
    with pytest.raises(OptionError, match="must be"):
        draw_people(*numbers)
