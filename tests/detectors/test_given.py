"""Faces from files: what is written is read, what is wrong is named, what is missing is never "no face"."""

import json

import numpy as np
import pytest

from deepanon.detections import COCO7, Detections
from deepanon.detectors.given import Given, write_detections
from deepanon.errors import DetectionError

IMAGE = np.zeros((48, 64, 3), np.uint8)
FACES = Detections(
    np.array([[1, 2, 30, 40.5], [5, 6, 20, 21]]),
    np.array([0.5, 1]),
    np.stack([np.arange(10).reshape(5, 2), np.full((5, 2), np.nan)]),
)


def test_json_round_trip(tmp_path):
    path = tmp_path / "faces.json"
    write_detections(path, {"a/b.jpg": (FACES, 64, 48), "none.jpg": (Detections.empty(), 64, 48)}, FACES.schema)
    given = Given(path)
    back = given(IMAGE, "a/b.jpg")
    assert np.allclose(back.boxes, FACES.boxes)
    assert np.allclose(back.scores, FACES.scores)
    assert np.allclose(back.points, FACES.points, equal_nan=True)
    assert len(given(IMAGE, "none.jpg")) == 0


def test_edited_by_hand_without_scores_and_keypoints(tmp_path):
    path = tmp_path / "faces.json"
    path.write_text('{"format": 1, "schema": "five", "images": {"a.jpg": {"faces": [{"box": [1, 2, 3, 4]}]}}}')
    faces = Given(path)(IMAGE, "a.jpg")
    assert faces.scores.tolist() == [1]
    assert not faces.has_keypoints.any()


def test_csv(tmp_path):
    path = tmp_path / "faces.csv"
    points = ",".join(f"{p} x,{p} y" for p in FACES.schema.points)
    path.write_text(
        f"image,x0,y0,x1,y1,score,label,{points}\n"
        "a.jpg,1,2,30,40.5,0.5,face,0,1,2,3,4,5,6,7,8,9\n"
        "a.jpg,5,6,20,21,,,,,,,,,,,,\n"
        "none.jpg,,,,,,,,,,,,,,,,\n"
    )
    given = Given(path)
    assert np.allclose(given(IMAGE, "a.jpg").points, FACES.points, equal_nan=True)
    assert given(IMAGE, "a.jpg").boxes[0].tolist() == [1, 2, 30, 40.5]
    assert len(given(IMAGE, "none.jpg")) == 0


def test_from_python():
    assert Given({"a": FACES})(IMAGE, "a") is FACES


def test_a_picture_without_entry_is_an_error_not_a_picture_without_faces():
    with pytest.raises(DetectionError, match=r"no entry for 'b\.jpg'"):
        Given({"a.jpg": FACES})(IMAGE, "b.jpg")


def test_boxes_of_another_size_are_refused(tmp_path):
    write_detections(tmp_path / "f.json", {"a.jpg": (FACES, 128, 96)}, FACES.schema)
    with pytest.raises(DetectionError, match="made on 128x96 pixels, but it has 64x48"):
        Given(tmp_path / "f.json")(IMAGE, "a.jpg")


def test_other_schemas_are_read(tmp_path):
    faces = Detections(FACES.boxes[:1], FACES.scores[:1], np.ones((1, 7, 2)), schema=COCO7)
    write_detections(tmp_path / "f.json", {"a": (faces, 64, 48)}, COCO7)
    assert Given(tmp_path / "f.json")(IMAGE, "a").schema == COCO7


BROKEN = {
    "no json": "{",
    "another format": '{"format": 9}',
    "a list": "[]",
    "unknown schema": '{"format": 1, "schema": "six", "images": {}}',
    "no images": '{"format": 1, "schema": "five"}',
    "NaN box": '{"format": 1, "schema": "five", "images": {"a.jpg": {"faces": [{"box": [NaN, 2, 3, 4]}]}}}',
    "flat box": '{"format": 1, "schema": "five", "images": {"a.jpg": {"faces": [{"box": [9, 2, 3, 4]}]}}}',
    "short box": '{"format": 1, "schema": "five", "images": {"a.jpg": {"faces": [{"box": [9, 2, 3]}]}}}',
    "no box": '{"format": 1, "schema": "five", "images": {"a.jpg": {"faces": [{}]}}}',
    "word box": '{"format": 1, "schema": "five", "images": {"a.jpg": {"faces": [{"box": "all"}]}}}',
    "score": '{"format": 1, "schema": "five", "images": {"a.jpg": {"faces": [{"box": [1, 2, 3, 4], "score": 7}]}}}',
    "points": json.dumps(
        {"format": 1, "schema": "five", "images": {"a.jpg": {"faces": [{"box": [1, 2, 3, 4], "keypoints": [[1, 2]]}]}}}
    ),
    "faces": '{"format": 1, "schema": "five", "images": {"a.jpg": {"faces": 3}}}',
    "entry": '{"format": 1, "schema": "five", "images": {"a.jpg": 3}}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_json_is_named(text, tmp_path):
    path = tmp_path / "faces.json"
    path.write_text(text)
    with pytest.raises(DetectionError, match=r"faces\.json"):
        Given(path)


@pytest.mark.parametrize("row", ["a.jpg,1,2,3", "a.jpg,1,2,x,4", "a.jpg,1,2,,4", "a.jpg,9,2,3,4"])
def test_broken_csv_is_named(row, tmp_path):
    path = tmp_path / "faces.csv"
    path.write_text(f"image,x0,y0,x1,y1\n{row}\n")
    with pytest.raises(DetectionError, match=r"faces\.csv"):
        Given(path)


def test_descriptions_follow_the_faces(tmp_path):
    lines = [Given({"a.jpg": faces}).description for faces in (FACES, FACES[:1], FACES)]
    assert lines[0] == lines[2] != lines[1]
    for name, faces in (("f.json", FACES), ("g.json", FACES[:1])):
        write_detections(tmp_path / name, {"a.jpg": (faces, 64, 48)}, FACES.schema)
        lines.append(Given(tmp_path / name).description)
    assert "f.json (SHA-256 " in lines[3]
    assert lines[3].replace("f.json", "g.json") != lines[4]


def test_missing_file(tmp_path):
    with pytest.raises(DetectionError, match="does not exist"):
        Given(tmp_path / "none.json")
