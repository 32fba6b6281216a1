import json

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.errors import DataError, ImageError, OptionError
from deepanon.evaluation.report.drawn import DRAWN, drawn_pictures
from deepanon.evaluation.report.pictures import (
    GAP,
    SIDE,
    Pictures,
    choose_faces,
    face_pair,
    read_pictures,
    worst_cases,
)  # fmt: skip
from deepanon.images import read_image

GREY = np.full((40, 84, 3), 90, dtype=np.uint8)


def test_what_is_added_is_read_back(tmp_path):
    pictures = Pictures(tmp_path / "new")
    pictures.add(GREY, set="wild", method="gan", photo="a/b.jpg", reason="similarity 0.7", kind="worst")
    pictures.add(GREY, set="drawn", method="pixelate8, whole crop", photo="1", real=False)
    first, second = read_pictures(tmp_path / "new")
    assert (first.set, first.method, first.photo, first.kind, first.reason, first.real) == (
        "wild", "gan", "a/b.jpg", "worst", "similarity 0.7", True,
    )  # fmt: skip
    assert not second.real
    for picture in (first, second):
        assert read_image(tmp_path / "new" / picture.file).pixels.shape == GREY.shape


def test_a_run_that_goes_on_has_every_picture_once(tmp_path):
    for level in (10, 200, 10):  # two faces of one photo, and the first again
        Pictures(tmp_path).add(np.full((40, 84, 3), level, dtype=np.uint8), set="wild", method="gan", photo="a")
    dark, light = read_pictures(tmp_path)
    assert read_image(tmp_path / dark.file).pixels.mean() == pytest.approx(10, abs=2)
    assert read_image(tmp_path / light.file).pixels.mean() == pytest.approx(200, abs=2)


def test_a_fresh_folder_keeps_nothing_of_the_run_before(tmp_path):
    Pictures(tmp_path).add(GREY, set="wild", method="gan", photo="a")
    (tmp_path / "notes.txt").write_text("mine")
    Pictures(tmp_path, fresh=True).add(GREY, set="wild", method="gan", photo="b")
    (only,) = read_pictures(tmp_path)
    assert only.photo == "b"
    assert {path.name for path in tmp_path.iterdir()} == {"index.json", "notes.txt", only.file}


@pytest.mark.parametrize("real", [None, 0, "false", "no", "missing", True])
def test_what_is_not_plainly_marked_is_a_photograph(tmp_path, real):
    Pictures(tmp_path).add(GREY, set="a", method="b", photo="c", real=False)
    (entry,) = json.loads((tmp_path / "index.json").read_text())
    assert entry["real"] is False
    entry["real"] = real
    if real == "missing":
        del entry["real"]
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    assert read_pictures(tmp_path)[0].real is True


def test_only_a_plain_false_makes_it_no_photograph(tmp_path):
    pictures = Pictures(tmp_path)
    assert pictures.add(GREY, set="a", method="b", photo="c").real
    assert pictures.add(GREY, set="a", method="b", photo="d", real=0).real


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "damaged"), ("{}", "must be a list"), ("[3]", "not a picture"), ('[{"set": "a"}]', "not a picture"),
        ('[{"set":"a","method":"b","photo":"c","kind":"grid","reason":"","file":"../a.jpg"}]', "no picture '../a.jpg'"),
        ('[{"set":"a","method":"b","photo":"c","kind":"grid","reason":"","file":"gone.jpg"}]', "no picture 'gone.jpg'"),
        ('[{"set":"a","method":"b","photo":"c","kind":"best","reason":"","file":"here.jpg"}]', "unknown kind 'best'"),
    ],
)  # fmt: skip
def test_a_damaged_index_is_refused(tmp_path, text, says):
    (tmp_path / "here.jpg").write_bytes(b"")
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(DataError, match=says):
        Pictures(tmp_path)


def test_what_cannot_be_added(tmp_path):
    with pytest.raises(OptionError, match="unknown kind of picture 'best'"):
        Pictures(tmp_path).add(GREY, set="a", method="b", photo="c", kind="best")
    with pytest.raises(ImageError):
        Pictures(tmp_path).add(GREY[..., 0], set="a", method="b", photo="c")
    with pytest.raises(DataError, match="cannot be read"):
        read_pictures(tmp_path / "nowhere")


def test_a_pair_shows_the_same_place_before_and_after():
    before = np.zeros((100, 200, 3), dtype=np.uint8)
    before[40:60, 80:100] = 200  # the face
    after = 255 - before
    pair = face_pair(before, after, np.array([80, 40, 100, 60]))
    assert pair.shape == (SIDE, 2 * SIDE + GAP, 3)
    left, right = pair[:, :SIDE], pair[:, SIDE + GAP :]
    assert left[SIDE // 2, SIDE // 2].tolist() == [200] * 3
    assert left[2, 2].tolist() == [0] * 3  # some of what is around it
    assert np.abs(right.astype(int) + left - 255).max() <= 2
    assert (pair[:, SIDE : SIDE + GAP] == 255).all()


@pytest.mark.parametrize("box", [(-10, -10, 10, 10), (190, 90, 230, 140), (0, 0, 200, 100), (5, 5, 6, 6)])
def test_a_pair_of_any_face_in_the_picture(box):
    picture = np.zeros((100, 200, 3), dtype=np.uint8)
    assert face_pair(picture, picture, np.array(box), side=32).shape == (32, 68, 3)


def test_what_has_no_pair():
    picture = np.zeros((100, 200, 3), dtype=np.uint8)
    for box in ((300, 300, 320, 320), (10, 10, 10, 20)):
        with pytest.raises(OptionError, match="no area"):
            face_pair(picture, picture, np.array(box))
    with pytest.raises(OptionError, match="differ in size"):
        face_pair(picture, picture[:50], np.array([0, 0, 9, 9]))


def test_faces_are_chosen_from_large_to_small():
    heights = np.array([30, 200, 10, 60, 100, 80, 12])
    boxes = np.stack([heights * 0, heights * 0, heights, heights], axis=1)
    assert choose_faces(boxes, 3) == [1, 5, 0]
    assert choose_faces(boxes, 99) == [1, 4, 5, 3, 0]  # the two that show nothing are left out
    assert choose_faces(boxes[[2, 6]], 5) == [1, 0]  # unless there are no others
    assert choose_faces(boxes[:0], 5) == []


def test_the_worst_cases_come_worst_first():
    assert worst_cases([0.2, np.nan, 0.9, -0.5], 2) == [2, 0]
    assert worst_cases([np.nan], 2) == []


def test_every_method_is_shown_on_drawn_faces(tmp_path):
    methods = {"none": None} | {name: build_anonymizer(name) for name in ("blackout", "pixelate8")}
    stored = drawn_pictures(methods, seed=3, folder=tmp_path)
    assert {picture.method for picture in stored} == {"blackout", "pixelate8"}
    assert len(stored) == 8
    assert all(picture.set == DRAWN and not picture.real for picture in read_pictures(tmp_path))
    black = read_image(tmp_path / stored[0].file).pixels
    assert black[SIDE // 2, SIDE + GAP + SIDE // 2].max() < 12
    assert black[SIDE // 2, SIDE // 2].max() > 30
    assert drawn_pictures(methods, seed=3, folder=tmp_path) == stored
