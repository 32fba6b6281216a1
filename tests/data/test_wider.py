import numpy as np
import pytest

from deepanon.data.wider import read_wider
from deepanon.errors import DataError, OptionError


def lay_out(root, text, pictures, listing="my_bbx_gt.txt", images="images"):
    """Write a folder; the pictures are empty files, as reading the list does not open them."""
    (root / listing).parent.mkdir(parents=True, exist_ok=True)
    (root / listing).write_text(text)
    (root / images).mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        (root / images / picture).parent.mkdir(parents=True, exist_ok=True)
        (root / images / picture).touch()
    return root


def box(x, y, w, h, invalid=0):
    return f"{x} {y} {w} {h} 0 0 0 {invalid} 0 0 \n"


def test_reads_boxes_and_flags(tmp_path):
    lay_out(tmp_path, "a.jpg\n2\n" + box(10, 20, 30, 40) + box(1, 2, 3, 4, invalid=1) + "b.jpg\n1\n" + box(0, 0, 5, 5),
            ["a.jpg", "b.jpg"])  # fmt: skip
    first, second = read_wider(tmp_path)
    np.testing.assert_array_equal(first.boxes, [[10, 20, 40, 60], [1, 2, 4, 6]])
    assert (first.boxes.dtype, first.ignored.tolist()) == (np.float32, [False, True])
    assert (first.name, first.path, second.name) == ("a.jpg", tmp_path / "images" / "a.jpg", "b.jpg")
    assert len(read_wider(tmp_path, limit=1)) == 1


def test_official_layout_with_its_line_of_zeros(tmp_path):
    text = "0--Parade/a.jpg\n0\n" + box(0, 0, 0, 0) + "0--Parade/b.jpg\n1\n" + box(1, 1, 2, 2)
    listing, images = "wider_face_split/wider_face_val_bbx_gt.txt", "WIDER_val/images"
    photos = read_wider(lay_out(tmp_path, text, ["0--Parade/a.jpg", "0--Parade/b.jpg"], listing, images))
    assert [len(photo.boxes) for photo in photos] == [0, 1]
    assert photos[0].boxes.shape == (0, 4)
    assert photos[0].ignored.shape == (0,)


def test_no_line_of_zeros_is_needed(tmp_path):
    photos = read_wider(lay_out(tmp_path, "a.jpg\n0\nb.jpg\n1\n" + box(1, 1, 2, 2) + "\n", ["a.jpg", "b.jpg"]))
    assert [len(photo.boxes) for photo in photos] == [0, 1]


def test_boxes_without_area_are_dropped_and_mentioned(tmp_path, caplog):
    text = "a.jpg\n3\n" + box(1, 1, 0, 5) + box(1, 1, 5, 5) + box(1, 1, 5, -2)
    (photo,) = read_wider(lay_out(tmp_path, text, ["a.jpg"]))
    assert photo.boxes.tolist() == [[1, 1, 6, 6]]
    assert "2 boxes without width or height are left out" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg\nmany\n", r"bbx_gt.txt:2: expected the number of faces of a.jpg, got 'many'"),
        ("a.jpg\n", r"bbx_gt.txt:2: expected the number"),
        ("a.jpg\n1\n1 2 3\n", r"bbx_gt.txt:3: expected 10 integers .* got '1 2 3'"),
        ("a.jpg\n1\n1 2 3 4 0 0 0 0 0 x\n", r"bbx_gt.txt:3: expected 10 integers"),
        ("a.jpg\n2\n" + box(1, 1, 1, 1), r"bbx_gt.txt:3: the list ends before the 2 boxes of a.jpg"),
        ("a.jpg\n0\na.jpg\n0\n", "lists a.jpg more than once"),
        ("b.jpg\n0\n", "b.jpg has boxes, but there is no picture"),
        ("", "lists no photo"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_wider(lay_out(tmp_path, text, ["a.jpg"]))


def test_says_what_is_expected_where(tmp_path):
    with pytest.raises(DataError, match="not a folder"):
        read_wider(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no list of boxes; expected .*wider_face_val_bbx_gt.txt or one"):
        read_wider(tmp_path)
    (tmp_path / "one_bbx_gt.txt").touch()
    with pytest.raises(DataError, match="images does not exist"):
        read_wider(tmp_path)
    (tmp_path / "two_bbx_gt.txt").touch()
    with pytest.raises(DataError, match=r"several lists .*: one_bbx_gt.txt, two_bbx_gt.txt"):
        read_wider(tmp_path)


def test_limit_must_be_positive(tmp_path):
    with pytest.raises(OptionError, match="limit"):
        read_wider(tmp_path, limit=0)


def test_reads_real_lists(deepanon_data):
    photos = read_wider(deepanon_data / "wild")
    assert len(photos) == 64
    assert sum(int(photo.ignored.sum()) for photo in photos) > 0


def test_pictures_that_nobody_annotated_are_mentioned(tmp_path, caplog):
    lay_out(tmp_path, "a.jpg\n1\n" + box(10, 20, 30, 40), ["a.jpg", "b/c.png", "b/d.png", "notes.txt"])
    read_wider(tmp_path)
    assert "no entry for 2 pictures beside it, the first is b/c.png" in caplog.text
    caplog.clear()
    lay_out(tmp_path / "all", "a.jpg\n1\n" + box(10, 20, 30, 40), ["a.jpg"])
    read_wider(tmp_path / "all")
    assert not caplog.text


def test_what_the_list_says_of_every_face_is_kept(tmp_path):
    lay_out(tmp_path, "a.jpg\n2\n1 2 3 4 2 1 0 0 1 1\n5 6 7 8 0 0 1 1 2 0\n", ["a.jpg"])
    (photo,) = read_wider(tmp_path)
    assert {name: values.tolist() for name, values in photo.labels.items()} == {
        "blur": [2, 0], "expression": [1, 0], "illumination": [0, 1], "occlusion": [1, 2], "pose": [1, 0],
    }  # fmt: skip
    assert photo.ignored.tolist() == [False, True]
