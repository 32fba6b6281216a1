import json

import numpy as np
import pytest

from deepanon.data.review.stats import NOSE_DEPTH, describe_rows, describe_set, roll, table, yaw
from deepanon.data.synthetic import write_packed_crops
from deepanon.detections import COCO7, FIVE
from deepanon.errors import DataError


def head(degrees, tilt=0.0, schema=FIVE):
    """(1, K, 2) points of a head turned and tilted to the right of the picture, seen from far away."""
    turn = np.radians(degrees)
    solid = {"left": (-1, 0, 0), "right": (1, 0, 0), "nose": (0, 0.9, NOSE_DEPTH)}
    flat = {k: np.array([x * np.cos(turn) + z * np.sin(turn), y]) for k, (x, y, z) in solid.items()}
    c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    points = np.zeros((1, len(schema), 2))
    left, right = ("left eye", "right eye") if schema is FIVE else ("right eye", "left eye")  # COCO: the subject's left
    for name, key in ((left, "left"), (right, "right"), ("nose", "nose")):
        x, y = flat[key]
        points[0, schema.points.index(name)] = 50 + 10 * np.array([x * c - y * s, x * s + y * c])
    return points


@pytest.mark.parametrize("schema", [FIVE, COCO7])
@pytest.mark.parametrize("degrees", [-60, -20, 0, 35, 75])
@pytest.mark.parametrize("tilt", [0, 25, -40])
def test_angles_of_a_known_head(degrees, tilt, schema):
    assert yaw(head(degrees, tilt, schema), schema)[0] == pytest.approx(degrees, abs=0.01)
    assert roll(head(degrees, tilt, schema), schema)[0] == pytest.approx(tilt, abs=0.01)


def test_rows_by_hand():
    arrays = {
        "key": np.array(["a", "b", "c"]),
        "box": np.float32([[0, 0, 0.5, 0.5], [0.5, 0.5, 1.5, 1], [0, 0, 1, 1]]),
        "keypoints": np.concatenate([head(0), head(20), np.full((1, 5, 2), np.nan)]),
        "source": np.array(["x", "y", "x"]),
        "identity": np.array(["p", "p", "q"]),
        "crop_side": np.array([100, 200, 300]),
        "others": np.array([0, 2, 1]),
    }
    facts = describe_rows(arrays, FIVE)
    assert (facts["crops"], facts["identities"], facts["sources"]) == (3, 2, {"x": 2, "y": 1})
    assert facts["box_share"]["0.5"] == 0.25  # the second box is cut at the border of its crop
    assert facts["box_share"]["1"] == 1
    assert (facts["without_keypoints"], facts["with_another_face"]) == (1, 2)
    assert facts["yaw"]["shares"]["-15 to 15"] == facts["yaw"]["shares"]["15 to 30"] == 0.5
    assert facts["crop_side"]["0.5"] == 200


def test_a_drawn_set_with_one_picture_in_both_splits(tmp_path):
    write_packed_crops(tmp_path, "train", 12, seed=1)
    write_packed_crops(tmp_path, "val", 1, seed=1)  # the first face again
    facts = describe_set(tmp_path)
    assert facts["near_duplicates"]["pairs"] == {"train and val": 1}
    assert facts["near_duplicates"]["examples_between_splits"] == ["train/000000 ~ val/000000"]
    assert facts["bytes"] == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert facts["splits"]["train"]["sources"] == {"drawn": 12}
    assert json.loads(json.dumps(facts)) == facts
    text = table(facts)
    assert "train: 12 crops of 12 identities (drawn 12)" in text
    assert "pairs that look the same: 1 in train and val" in text


def test_damage_is_named(tmp_path, packer):
    with pytest.raises(DataError, match="no packed crops"):
        describe_set(tmp_path)
    packer(tmp_path, "train", 4, members=lambda files: files | {"000002": b"no picture"})
    with pytest.raises(DataError, match=r"train-000.tar:000002.jpg: not a readable picture"):
        describe_set(tmp_path)
