import numpy as np
import pytest

from deepanon.data.building.selection import Rules, select
from deepanon.detections import COCO7, FIVE, Detections
from deepanon.errors import OptionError
from deepanon.geometry import crop_region

RULES = Rules(resolution=64, min_side=64, min_score=0.9)


def faces(boxes, scores=None, schema=FIVE):
    """Detections with the points where the schema's template puts them."""
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    points = boxes[:, None, :2] + np.array(schema.template)[None] * (boxes[:, None, 2:] - boxes[:, None, :2])
    return Detections(boxes, np.ones(len(boxes)) if scores is None else np.array(scores), points, schema=schema)


def test_good_faces_pass_best_first_and_each_is_counted_once():
    chosen = select(faces([[100, 100, 160, 170], [300, 100, 380, 200]], [0.95, 0.99]), 500, 400, RULES)
    assert chosen.rows == [1, 0]
    assert chosen.others == [0, 0]
    assert not chosen.dropped


@pytest.mark.parametrize("schema", [FIVE, COCO7])
@pytest.mark.parametrize(
    ("box", "score", "reason"),
    [
        ([100, 100, 160, 170], 0.89, "score below 0.9"),
        ([100, 100, 130, 136], 1, "crop smaller than 64 px"),
        ([20, 20, 480, 395], 1, "crop would leave the photo"),
        ([-40, 100, 40, 200], 1, "eyes or nose outside the box"),  # half of the face is beyond the border
        ([-90, 100, -10, 200], 1, "outside the photo"),
    ],
)
def test_each_rule_drops_and_says_why(box, score, reason, schema):
    chosen = select(faces([box], [score], schema), 500, 400, RULES)
    assert (chosen.rows, dict(chosen.dropped)) == ([], {reason: 1})


def test_the_smallest_crop_is_measured_in_the_photo():
    """A box of 38 px gives a crop of 38 + 2 * 13 = 64."""
    assert np.diff(crop_region(np.array([100, 100, 138, 138]), 500, 400)[::2]) == 64
    assert select(faces([[100, 100, 138, 138]]), 500, 400, RULES).rows == [0]
    assert select(faces([[100, 100, 137, 137]]), 500, 400, RULES).rows == []


@pytest.mark.parametrize("name", ["left eye", "right eye", "nose"])
def test_eyes_and_nose_must_lie_in_the_box(name):
    one = faces([[100, 100, 160, 170]])
    points = one.points.copy()
    points[0, FIVE.points.index(name), 0] = 161
    chosen = select(Detections(one.boxes, one.scores, points), 500, 400, RULES)
    assert chosen.dropped == {"eyes or nose outside the box": 1}
    points[0, FIVE.points.index(name)] = np.nan
    assert select(Detections(one.boxes, one.scores, points), 500, 400, RULES).dropped == {"keypoints unknown": 1}


def test_a_mouth_may_lie_outside():
    one = faces([[100, 100, 160, 170]])
    points = one.points.copy()
    points[0, 4] = 165, 168
    assert select(Detections(one.boxes, one.scores, points), 500, 400, RULES).rows == [0]


def test_one_face_is_taken_once():
    twice = [[100, 100, 160, 170], [104, 102, 166, 172], [110, 110, 150, 160], [161, 100, 221, 170]]
    chosen = select(faces(twice, [0.95, 0.99, 1.0, 0.98]), 500, 400, RULES)
    assert chosen.rows == [2, 3]  # the small box lies in both others
    assert chosen.dropped == {"found twice": 2}


def test_other_faces_in_a_crop_are_counted_but_do_not_drop_it():
    near = faces([[100, 100, 160, 170], [165, 100, 225, 170], [400, 300, 460, 370]], [0.99, 0.98, 0.97])
    chosen = select(near, 500, 400, RULES)
    assert (chosen.rows, chosen.others) == ([0, 1, 2], [1, 1, 0])
    faint = Detections(near.boxes, [0.99, 0.5, 0.97], near.points)
    assert select(faint, 500, 400, RULES).others == [0, 0]  # what is hardly a face does not count as one


def test_no_face_is_no_crop():
    assert select(Detections.empty(), 500, 400, RULES).rows == []


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"resolution": 7}, "at least 8"),
        ({"resolution": 64, "min_side": 63}, "would be enlarged"),
        ({"min_score": 1.5}, r"min_score must lie in \[0, 1\]"),
        ({"min_score": float("nan")}, "min_score"),
    ],
)
def test_impossible_rules(rules, message):
    with pytest.raises(OptionError, match=message):
        Rules(**rules)
