import math

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from deepanon import geometry
from deepanon.geometry import crop_region

# The rule, by hand. "Square": grow the shorter side to the longer, start moved by -(difference // 2), kept inside.
# "Expand": e = int(0.35 * side) on each side, at most half of what is left of the picture; then kept inside.
CASES = {
    # 20x20. e = int(7.0) = 7: 40-7 = 33, side 20+14 = 34
    "square": ((40, 40, 60, 60), 100, 100, (33, 33, 67, 67)),
    # 20x40, difference 20: x 40-10 = 30, 40x40. e = int(14.0) = 14: 30-14 = 16, side 68
    "tall": ((40, 30, 60, 70), 200, 200, (16, 16, 84, 84)),
    # 40x20: the same turned round
    "wide": ((30, 40, 70, 60), 200, 200, (16, 16, 84, 84)),
    # 10x15, difference 5: x 40 - 5//2 = 38. e = int(5.25) = 5: x 33, y 35, side 25
    "odd difference, tall": ((40, 40, 50, 55), 100, 100, (33, 35, 58, 60)),
    # 15x10: y 38; x 35, y 33, side 25
    "odd difference, wide": ((40, 40, 55, 50), 100, 100, (35, 33, 60, 58)),
    # 19x19 after rounding outward to 40 40 60 60
    "fractions": ((40.2, 40.7, 59.1, 59.9), 100, 100, (33, 33, 67, 67)),
    # e = int(0.35) = 0
    "one pixel": ((10, 10, 11, 11), 100, 100, (10, 10, 11, 11)),
    # x 2-7 = -5 -> 0, side stays 34
    "left border": ((2, 40, 22, 60), 100, 100, (0, 33, 34, 67)),
    # x 78-7 = 71, ends at 105 -> starts at 100-34 = 66
    "right border": ((78, 40, 98, 60), 100, 100, (66, 33, 100, 67)),
    "top border": ((40, 2, 60, 22), 100, 100, (33, 0, 67, 34)),
    "bottom border": ((40, 78, 60, 98), 100, 100, (33, 66, 67, 100)),
    "corner": ((80, 80, 100, 100), 100, 100, (66, 66, 100, 100)),
    # 10x30, difference 20: x 0-10 -> 0, 30x30. e = int(10.5) = 10: x -10 -> 0, y 30-10 = 20, side 50
    "squared at the left border": ((0, 30, 10, 60), 200, 200, (0, 20, 50, 70)),
    # x 190-10 = 180, ends at 210 -> 170. e = 10: x 160, ends at 210 -> 150; y 20
    "squared at the right border": ((190, 30, 200, 60), 200, 200, (150, 20, 200, 70)),
    # 40x40, e = min(14, (50-40)//2 = 5, (100-40)//2 = 30) = 5
    "little room": ((40, 5, 80, 45), 100, 50, (35, 0, 85, 50)),
    # e = min(14, 5//2 = 2, 30) = 2: side 44, one row is left out
    "odd room": ((30, 2, 70, 42), 100, 45, (28, 0, 72, 44)),
    # 40x40 in 40 rows: e = 0
    "as large as the short side": ((30, 0, 70, 40), 100, 40, (30, 0, 70, 40)),
    # 50 > 40: centre 20+25 = 45, 5+15 = 20; side 50*1.7 = 85, half = 85//2 = 42
    "fallback": ((20, 5, 70, 35), 100, 40, (3, -22, 87, 62)),
    # 30 > 20: centre 15, 10; side 51, half 25
    "whole picture": ((0, 0, 30, 20), 30, 20, (-10, -15, 40, 35)),
}


@pytest.mark.parametrize(("box", "width", "height", "expected"), CASES.values(), ids=list(CASES))
def test_crop_region_by_hand(box, width, height, expected):
    region = crop_region(np.array(box, dtype=np.float32), width, height)
    assert tuple(region.tolist()) == expected
    assert region.dtype == np.int64


def rule(box, width, height):
    """Straight transcription of the four steps of the crop rule."""
    left, top, right, bottom = math.floor(box[0]), math.floor(box[1]), math.ceil(box[2]), math.ceil(box[3])
    x, y, w, h = left, top, right - left, bottom - top
    if w < h:
        x -= (h - w) // 2
        w = h
    else:
        y -= (w - h) // 2
        h = w
    if w > min(width, height):
        half = (max(right - left, bottom - top) * 1.7) // 2
        cx, cy = left + (right - left) // 2, top + (bottom - top) // 2
        return [cx - half, cy - half, cx + half, cy + half]
    x, y = max(x, 0), max(y, 0)
    x, y = (width - w if x + w > width else x), (height - h if y + h > height else y)
    e = min(int(0.35 * max(w, h)), (height - h) // 2, (width - w) // 2)
    x, y, w = max(x - e, 0), max(y - e, 0), w + 2 * e
    x, y = (width - w if x + w > width else x), (height - w if y + w > height else y)
    return [x, y, x + w, y + w]


def test_crop_region_properties():
    rng = np.random.default_rng(0)
    fallbacks = 0
    for _ in range(3000):
        width, height = rng.integers(2, 300, 2)
        low = rng.random(2) * [width - 1, height - 1]
        box = np.concatenate([low, low + 0.05 + rng.random(2) * ([width, height] - low - 0.05)])
        box = geometry.clip(np.round(box) + np.array([0, 0, 1, 1]) if rng.random() < 0.5 else box, width, height)
        region = crop_region(box, int(width), int(height))
        x0, y0, x1, y1 = region.tolist()
        assert region.tolist() == rule(box, width, height)
        assert x1 - x0 == y1 - y0 > 0
        assert x0 <= box[0] and y0 <= box[1] and x1 >= box[2] and y1 >= box[3]  # noqa: PT018
        whole = geometry.outward(box)
        if max(whole[2] - whole[0], whole[3] - whole[1]) > min(width, height):
            fallbacks += 1
        else:
            assert min(x0, y0) >= 0 and x1 <= width and y1 <= height  # noqa: PT018
    assert 100 < fallbacks < 2900


def random_boxes(n, seed):
    rng = np.random.default_rng(seed)
    low = rng.random((n, 2)) * 100 - 20
    return np.concatenate([low, low + rng.random((n, 2)) * 60 + 0.1], 1).astype(np.float32)


def test_iou_is_that_of_torchvision():
    a, b = random_boxes(50, 1), random_boxes(40, 2)
    expected = box_iou(torch.from_numpy(a).double(), torch.from_numpy(b).double()).numpy()
    assert (expected > 0).sum() > 100
    np.testing.assert_allclose(geometry.iou(a, b), expected, rtol=1e-6)


def test_iou_of_nothing():
    assert geometry.iou(random_boxes(3, 1), np.zeros((0, 4))).shape == (3, 0)
    flat = np.array([[5.0, 5, 5, 5]])
    assert geometry.iou(flat, flat).tolist() == [[0.0]]
    far = np.array([[0.0, 0, 1, 1]]), np.array([[5.0, 5, 6, 6]])
    assert geometry.iou(*far).tolist() == [[0.0]]


def test_area_and_intersection():
    a = np.array([[0, 0, 4, 5], [10, 10, 20, 12]], dtype=np.float32)
    assert geometry.area(a).tolist() == [20, 20]
    assert geometry.intersection(a, np.array([[2, 1, 30, 11]])).tolist() == [[8], [10]]


def test_clip_cuts_at_the_borders_and_keeps_the_type():
    boxes = np.array([[-5, -5, 5, 5], [8, 3, 99, 99], [2, 2, 3, 3]], dtype=np.float32)
    cut = geometry.clip(boxes, 10, 6)
    assert cut.tolist() == [[0, 0, 5, 5], [8, 3, 10, 6], [2, 2, 3, 3]]
    assert cut.dtype == np.float32
    assert geometry.clip(boxes.astype(int), 10, 6).dtype == int


def test_inside_wants_shared_area():
    boxes = np.array([[-5, 0, 0, 5], [10, 0, 12, 5], [0, -4, 5, -1], [0, 6, 5, 9], [9.9, 5.9, 99, 99], [-1, -1, 11, 7]])
    assert geometry.inside(boxes, 10, 6).tolist() == [False, False, False, False, True, True]


def test_outward_contains_and_never_wraps():
    boxes = np.array([[0.5, -0.5, 1.0, 2.000001], [3, 4, 5, 6]])
    assert geometry.outward(boxes).tolist() == [[0, -1, 1, 3], [3, 4, 5, 6]]
    assert geometry.outward(boxes[0]).tolist() == [0, -1, 1, 3]
    huge = geometry.outward(np.array([[-1e30, -np.inf, 1e30, np.inf]]))
    assert geometry.clip(huge, 10, 6).tolist() == [[0, 0, 10, 6]]
    with pytest.raises(ValueError, match="must be numbers"):
        geometry.outward(np.array([[np.nan, 0, 1, 1]]))


def test_inside_never_takes_nan_for_outside():
    with pytest.raises(ValueError, match="numbers"):
        geometry.inside(np.array([[np.nan, 0, 5, 5]]), 10, 10)


def test_similarity_is_the_least_squares_one_of_scikit_image():
    transform = pytest.importorskip("skimage.transform")
    rng = np.random.default_rng(0)
    for _ in range(20):
        points, template = rng.normal(size=(2, 5, 2)) * 40 + 60
        found = transform.estimate_transform("similarity", points, template)
        np.testing.assert_allclose(geometry.similarity(points, template), found.params[:2], atol=1e-8)


def test_similarity_finds_a_known_one_and_never_mirrors():
    points = np.random.default_rng(1).normal(size=(5, 2)) * 30
    angle, scale, shift = 0.7, 2.5, np.array([3.0, -4.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = geometry.similarity(points, points @ turn.T + shift)
    np.testing.assert_allclose(matrix, np.column_stack([turn, shift]), atol=1e-9)
    mirrored = geometry.similarity(points, points * [-1, 1])
    assert np.linalg.det(mirrored[:, :2]) >= 0


def test_there_is_no_similarity_of_unknown_or_coinciding_points():
    template = np.eye(5, 2)
    assert np.isnan(geometry.similarity(np.ones((5, 2)), template)).all()
    unknown = np.arange(10.0).reshape(5, 2)
    unknown[3, 0] = np.nan
    assert np.isnan(geometry.similarity(unknown, template)).all()
