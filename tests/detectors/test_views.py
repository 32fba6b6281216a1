"""Sizes and turns bring back what they found to where it is."""

import numpy as np
import pytest

from deepanon.detections import Detections
from deepanon.detectors.reduced import Reduced
from deepanon.detectors.tiles import TILE
from deepanon.detectors.views import TURNS, check_views, detect_in_views
from deepanon.errors import ImageError, OptionError
from deepanon.geometry import iou


class Marks:
    """A stand-in that finds one red block with a green top left quarter of at least `least` px, by exact means."""

    name, description = "marks", "marks"

    def __init__(self, least=1, upright=False):
        self.least, self.upright, self.shapes = least, upright, []

    def __call__(self, image, name=""):
        self.shapes.append(image.shape[:2])
        ys, xs = np.nonzero(image[..., 0] > 120)
        if not len(xs) or np.ptp(xs) + 1 < self.least:
            return Detections.empty()
        green_y, green_x = (at.mean() for at in np.nonzero(image[..., 1] > 120))
        box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)
        if self.upright and not (green_x < xs.mean() and green_y < ys.mean()):
            return Detections.empty()
        points = np.full((1, 5, 2), [green_x + 0.5, green_y + 0.5])
        return Detections(box[None], np.array([0.9 if len(image) % 2 else 0.8]), points)


def marked(width, height, x, y, side):
    image = np.zeros((height, width, 3), np.uint8)
    image[y : y + side, x : x + side, 0] = 255
    image[y : y + side // 2, x : x + side // 2, 1] = 255
    return image, np.array([[x, y, x + side, y + side]]), np.array([x + side / 4, y + side / 4])


@pytest.mark.parametrize("scales", [(1,), (2,), (0.5,), (0.5, 1, 2)])
@pytest.mark.parametrize("turns", [(turn,) for turn in TURNS] + [TURNS])
def test_boxes_and_points_come_back_to_where_they_are(scales, turns):
    image, box, point = marked(211, 140, 37, 62, 40)
    found = detect_in_views(Marks(), image, scales, turns)
    assert len(found) == 1
    assert iou(found.boxes, box)[0, 0] > 0.9
    assert np.abs(found.points[0] - point).max() < 1.5


def test_a_mark_that_lies_on_its_side_is_only_found_turned():
    image, _, _ = marked(200, 140, 30, 60, 40)
    image = np.ascontiguousarray(np.rot90(image))
    detector = Marks(upright=True)
    assert len(detect_in_views(detector, image)) == 0
    assert len(detect_in_views(detector, image, turns=(0, 90))) == 0
    assert len(detect_in_views(detector, image, turns=(0, 270))) == 1


def test_small_marks_are_found_enlarged():
    image, box, _ = marked(200, 140, 30, 60, 8)
    assert len(detect_in_views(Marks(least=12), image)) == 0
    assert iou(detect_in_views(Marks(least=12), image, scales=(1, 2)).boxes, box)[0, 0] > 0.8


def test_side_is_the_base_of_the_scales():
    detector = Marks()
    detect_in_views(detector, np.zeros((400, 1000, 3), np.uint8), scales=(1, 0.5), side=500)
    assert detector.shapes == [(200, 500), (100, 250)]


def test_huge_pictures_are_not_enlarged_and_no_size_comes_twice():
    detector = Marks()
    detect_in_views(detector, np.zeros((2, TILE + 8, 3), np.uint8), scales=(1, 2, 4))
    assert detector.shapes == [(2, TILE + 8)]
    detector.shapes.clear()
    detect_in_views(detector, np.zeros((2, TILE // 2, 3), np.uint8), scales=(1, 8))
    assert max(map(max, detector.shapes)) == TILE


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_pictures_of_a_pixel(shape):
    assert len(detect_in_views(Marks(), np.zeros((*shape, 3), np.uint8), (0.1, 1, 2), TURNS)) == 0


@pytest.mark.parametrize(
    ("scales", "turns", "side", "said"),
    [((), (0,), None, "scales"), ((0,), (0,), None, "scales"), ((9,), (0,), None, "scales"), ((1,), (45,), None, "270"),
     ((1,), (), None, "turns"), ((1,), (0,), 8, "side"), ((1,), (0,), 64.5, "side")],
)  # fmt: skip
def test_views_that_make_no_sense(scales, turns, side, said):
    with pytest.raises(OptionError, match=said):
        check_views(scales, turns, side)


def test_reduced_pictures_give_keypoints_as_good_as_at_full_size():
    image, box, point = marked(1501, 1003, 703, 411, 61)
    detector = Marks()
    found = Reduced(detector, 160)(image)
    assert len(found) == 1
    assert np.abs(found.boxes - box).max() <= 2
    assert np.abs(found.points[0] - point).max() < 2
    assert sum(height * width for height, width in detector.shapes) < 0.1 * image.shape[0] * image.shape[1]


def test_what_is_found_at_first_is_never_lost():
    class Once(Marks):
        def __call__(self, image, name=""):
            return super().__call__(image) if not self.shapes else Detections.empty()

    image, box, _ = marked(1500, 1000, 700, 411, 60)
    assert iou(Reduced(Once(), 160)(image).boxes, box).max() > 0.6


def test_a_crowd_is_looked_at_whole():
    class Crowd(Marks):
        def __call__(self, image, name=""):
            self.shapes.append(image.shape[:2])
            height, width = image.shape[:2]
            low = np.stack(np.meshgrid(np.arange(0, width - 9, 12), np.arange(0, height - 9, 12)), -1).reshape(-1, 2)
            return Detections(np.concatenate([low, low + 9], axis=1), np.full(len(low), 0.9))

    detector = Crowd()
    assert len(Reduced(detector, 160)(np.zeros((480, 640, 3), np.uint8))) == 53 * 40
    assert detector.shapes == [(120, 160), (480, 640)]


def test_reduced_says_so_and_leaves_small_pictures_alone():
    detector = Marks()
    reduced = Reduced(detector, 160)
    assert "160 px" in reduced.description
    assert reduced.name == "marks"
    reduced(np.zeros((90, 160, 3), np.uint8))
    assert detector.shapes == [(90, 160)]
    with pytest.raises(ImageError):
        reduced(np.zeros((9, 9), np.uint8))
    with pytest.raises(OptionError, match="side"):
        Reduced(detector, 0)


def test_a_real_detector_reduced(astronaut):
    from deepanon.detectors import build_detector

    detector = build_detector("mtcnn")
    large = np.full((1200, 1600, 3), 120, np.uint8)
    large[300:812, 500:1012] = astronaut
    whole, quick = detector(large), Reduced(detector, 640)(large)
    assert iou(whole.boxes[:1], quick.boxes).max() > 0.85
    best = int(iou(whole.boxes[:1], quick.boxes).argmax())
    assert np.abs(quick.points[best] - whole.points[0]).max() < 5
