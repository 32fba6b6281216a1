"""Who is replaced and who is left: every doubt is decided for replacing, and every face that is left is counted."""

import json

import numpy as np
import pytest

from deepanon import FaceAnonymizer, Seeds
from deepanon.anonymizers import build_anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.detectors import Given
from deepanon.detectors.given import write_detections
from deepanon.errors import DetectionError, NoFaceError, OptionError
from deepanon.folders import Files, anonymize_files
from deepanon.images import write_image
from deepanon.selection import Selection

SIZE = (400, 300)


def faces(*boxes, labels=None):
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.ones(len(boxes)),
        labels=None if labels is None else np.array(labels),
    )


def regions(*boxes, name="a.png", labels=None):
    return Given({name: faces(*boxes, labels=labels)})


def reasons(selection, found, name="a.png"):
    return list(selection(found, name, *SIZE).reasons)


FACE, OTHER = [100, 100, 160, 180], [250, 100, 310, 180]


def test_without_a_wish_everybody_is_replaced():
    choice = Selection()(faces(FACE, OTHER), "a.png", *SIZE)
    assert choice.replaced == [0, 1]
    assert choice.left == []
    assert choice.to_json() == {}


def test_a_kept_face_is_left_and_nobody_else():
    choice = Selection(keep=regions(OTHER))(faces(FACE, OTHER), "a.png", *SIZE)
    assert choice.replaced == [0]
    assert choice.left == [(OTHER, "kept")]
    assert len(choice.unmatched) == 0
    assert reasons(Selection(keep=regions(OTHER)), faces(FACE, OTHER), "b.png") == ["", ""]
    assert reasons(Selection(keep=regions(OTHER, name="*")), faces(FACE, OTHER), "b.png") == ["", "kept"]


@pytest.mark.parametrize("shift", [(6, 0), (-8, 9), (0, 20), (12, 12)])
def test_a_box_that_trembles_is_the_same_face(shift):
    moved = np.array(FACE) + np.tile(shift, 2)
    assert reasons(Selection(keep=regions(FACE)), faces(moved)) == ["kept"]


@pytest.mark.parametrize(
    "stranger",
    [[110, 110, 140, 150], [101, 101, 130, 179], [60, 60, 220, 240], [140, 100, 200, 180], [160, 100, 220, 180]],
    ids=["small, inside", "narrow, inside", "large, around", "beside, overlapping", "touching"],
)
def test_a_stranger_at_the_place_of_a_kept_face_is_replaced(stranger):
    choice = Selection(keep=regions(FACE))(faces(stranger), "a.png", *SIZE)
    assert choice.replaced == [0]
    assert choice.unmatched.tolist() == [FACE]


def test_one_region_leaves_one_face():
    """The nearer of two that are both near enough; the other may be a stranger's."""
    near, nearer = [104, 104, 164, 184], [102, 101, 161, 181]
    assert reasons(Selection(keep=regions(FACE)), faces(near, nearer)) == ["", "kept"]


def test_a_kept_face_keeps_no_plate():
    found = faces(FACE, FACE, labels=["plate", "face"])
    assert reasons(Selection(keep=regions(FACE)), found) == ["", "kept"]
    assert reasons(Selection(keep=regions(FACE, labels=["plate"])), found) == ["kept", ""]


def test_a_region_of_every_picture_may_be_empty_in_one():
    assert len(Selection(keep=regions(FACE, name="*"))(faces(OTHER), "a.png", *SIZE).unmatched) == 0
    assert len(Selection(keep=regions(FACE, OTHER))(faces(), "a.png", *SIZE).unmatched) == 2


def test_only_what_lies_in_regions_is_replaced():
    found = faces(FACE, OTHER, [10, 10, 40, 50])
    assert reasons(Selection(only=regions(FACE)), found) == ["", *["in no region of those to replace"] * 2]
    half = [0, 0, 200, 300]  # a part of the picture
    assert reasons(Selection(only=regions(half)), found) == ["", "in no region of those to replace", ""]


@pytest.mark.parametrize(
    "found", [[115, 125, 135, 150], [60, 60, 220, 260], [135, 130, 195, 190], [145, 100, 205, 180]]
)
def test_what_touches_a_region_to_replace_is_replaced(found):
    assert reasons(Selection(only=regions(FACE)), faces(FACE, found)) == ["", ""]


def test_a_face_to_replace_that_was_not_found_is_an_error():
    with pytest.raises(DetectionError, match=r"nothing was found in region \[250.0, .*of 'a.png'.*--detections"):
        reasons(Selection(only=regions(FACE, OTHER)), faces(FACE))
    with pytest.raises(DetectionError, match=r"nothing was found in region \[100\.0, "):
        reasons(Selection(only=regions(FACE)), faces([140, 100, 200, 180]))  # a neighbour's, at a third
    with pytest.raises(DetectionError, match=r"have no entry for 'b\.png'"):
        reasons(Selection(only=regions(FACE)), faces(FACE), "b.png")
    left = ["in no region of those to replace"]
    assert reasons(Selection(only=Given({"a.png": Detections.empty()})), faces(FACE)) == left
    assert reasons(Selection(only=regions(OTHER, name="*")), faces(FACE)) == left


def test_small_faces_and_zones():
    found = faces(FACE, [10, 10, 29, 90], [10, 100, 30, 120])
    assert reasons(Selection(min_size=20), found) == ["", "smaller than 20 px", ""]
    poster = (90, 90, 170, 190)
    assert reasons(Selection(zones=(poster, (0, 0, 5, 5))), found) == ["in a zone where faces are ignored", "", ""]
    assert reasons(Selection(zones=((120, 90, 170, 190),)), found) == ["", "", ""]  # somebody stands before it
    assert reasons(Selection(zones=(poster,)), faces(FACE, labels=["plate"])) != [""]


def test_wishes_that_make_no_sense():
    for zone in ((5, 5, 5, 9), (0, 9, 9, 3), (0, 0, float("nan"), 4), (0, 0, float("inf"), 4)):
        with pytest.raises(OptionError, match="no area"):
            Selection(zones=(zone,))
    with pytest.raises(OptionError, match="min_size"):
        Selection(min_size=-1)


def test_another_size_is_refused(tmp_path):
    write_detections(tmp_path / "keep.json", {"a.png": (faces(FACE), 200, 150)}, faces(FACE).schema)
    for wish in ("keep", "only"):
        with pytest.raises(DetectionError, match="made on 200x150 pixels, but it has 400x300"):
            reasons(Selection(**{wish: Given(tmp_path / "keep.json")}), faces(FACE))


@pytest.fixture(scope="module")
def scene():
    return draw_scene(*SIZE, 3, seed=2)


@pytest.mark.parametrize("method", ["gan", "blackout", "gaussian9"])
def test_a_kept_face_stays_and_the_others_are_as_without_it(scene, method):
    image, found = scene

    def made(selection=None):
        return FaceAnonymizer(None, build_anonymizer(method), Seeds.from_seed(1), selection=selection)(
            image, found, name="a"
        )

    kept, all_ = made(Selection(keep=Given({"a": found[1]}))), made()
    x0, y0, x1, y1 = found.boxes[1].astype(int)
    margin = 12
    mine = np.zeros(image.shape[:2], bool)
    mine[max(y0 - margin, 0) : y1 + margin, max(x0 - margin, 0) : x1 + margin] = True
    assert np.array_equal(kept[mine], image[mine])
    assert np.array_equal(kept[~mine], all_[~mine])  # the same seeds, the same grey


@pytest.mark.parametrize("method", ["gan", "blackout", "solid"])
def test_where_a_kept_and_a_replaced_face_overlap_the_replaced_one_wins(scene, method):
    image, found = scene
    boxes = found.boxes[:1].astype(int).astype(np.float32)
    both = faces(*boxes, *(boxes + 15))
    selection = Selection(keep=Given({"a": both[1]}))
    noisy, rng = image.copy(), np.random.default_rng(0)
    x0, y0, x1, y1 = both.boxes[0].astype(int)
    noisy[y0:y1, x0:x1] = rng.integers(0, 256, (y1 - y0, x1 - x0, 3), dtype=np.uint8)
    outputs = [
        FaceAnonymizer(None, build_anonymizer(method), Seeds.from_seed(1), selection=selection)(each, both, name="a")
        for each in (image, noisy)
    ]
    assert np.array_equal(outputs[0][y0:y1, x0:x1], outputs[1][y0:y1, x0:x1])
    rest = np.s_[y1 : y1 + 15, x0 + 15 : x1 + 15]  # of the kept face, below the other: no feathering either
    assert np.array_equal(outputs[0][rest], image[rest])


def test_nobody_left_to_replace_is_a_copy_but_nobody_found_is_an_error(scene):
    image, found = scene
    anonymizer = FaceAnonymizer(
        lambda *_: Detections.empty(), build_anonymizer("blackout"), selection=Selection(min_size=999)
    )
    assert np.array_equal(anonymizer(image, found), image)
    with pytest.raises(NoFaceError):
        anonymizer(image)


def test_the_outcome_says_who_was_left(scene, tmp_path):
    image, found = scene
    for name in ("a.png", "b.png"):
        write_image(tmp_path / "in" / name, image)
    selection = Selection(keep=Given({"a.png": found[:2], "b.png": faces([1, 1, 20, 20])}))
    detector = Given({"a.png": found, "b.png": found})
    anonymizer = FaceAnonymizer(detector, build_anonymizer("blackout"), selection=selection)
    a, b = (outcome.to_json() for outcome in anonymize_files(Files([tmp_path / "in"]), tmp_path / "out", anonymizer))
    json.dumps([a, b])
    assert [entry["reason"] for entry in a["left"]] == ["kept", "kept"]
    assert a["left"][0]["box"] == a["faces"][0]["box"]
    assert "unmatched" not in a
    assert "left" not in b
    assert b["unmatched"] == [[1, 1, 20, 20]]
    assert a["status"] == b["status"] == "anonymized"
