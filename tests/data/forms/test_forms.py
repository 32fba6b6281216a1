"""The forms of data sets: what is a picture, what is kept, what stays behind, what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from deepanon.data.forms import FORMS, read_set
from deepanon.errors import DataError, ImageError, OptionError


def put(root, *names, size=(8, 6), **options):
    """Write small pictures, and text files with nothing in them."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".jpg", ".png"):
            Image.new("RGB", size).save(path, **options)
        else:
            path.write_text("")


def coco(root, name, images, **more):
    path = root / "annotations" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": images} | more))


def entry(name, number=1, width=8, height=6, **more):
    return {"id": number, "file_name": name, "width": width, "height": height} | more


def test_lfw(tmp_path):
    put(tmp_path, "Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", "Bo/Bo_0001.jpg", "Bo/thumb.jpg", "x.jpg",
        "Bo/notes.txt", "people.txt")  # fmt: skip
    (tmp_path / "pairs.txt").write_text("1\t1\nAnn_Lee\t1\t2\nAnn_Lee\t2\tBo\t1\n")
    found = read_set(tmp_path, "lfw")
    assert found.pictures == ["Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", "Bo/Bo_0001.jpg"]
    assert sorted(found.kept) == ["pairs.txt", "people.txt"]
    assert found.left_out == ["Bo/notes.txt", "Bo/thumb.jpg", "x.jpg"]
    assert any("thumb.jpg" in note for note in found.notes)
    assert any("names of the people" in note for note in found.notes)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Bo 1 3", "no picture Bo/Bo_0003"),
        ("Bo 1 Cy 1", "no picture Cy/Cy_0001"),
        ("Bo x 1", "expected"),
        ("Bo", ""),
    ],
)
def test_pairs_without_their_pictures_are_said(tmp_path, line, message):
    put(tmp_path, "Bo/Bo_0001.jpg")
    (tmp_path / "pairs.txt").write_text(f"1\n\n{line}\n")
    with pytest.raises(DataError, match=rf"pairs\.txt:3: .*{message}"):
        read_set(tmp_path, "lfw")


def test_coco(tmp_path):
    put(tmp_path, "val2017/1.jpg", "val2017/2.jpg", "train2017/1.jpg", "thumbs/9.jpg", "readme.md",
        "annotations/panoptic_val2017/1.png", "annotations/old.zip")  # fmt: skip
    coco(tmp_path, "instances_val2017.json", [entry("1.jpg"), entry("2.jpg", 2)], annotations=[{"image_id": 2}])
    coco(tmp_path, "captions_val2017.json", [entry("1.jpg", coco_url="http://x/1.jpg")])
    coco(tmp_path, "instances_train2017.json", [entry("1.jpg")])
    (tmp_path / "annotations" / "stuff.json").write_text("[]")
    found = read_set(tmp_path, "coco")
    assert found.pictures == ["train2017/1.jpg", "val2017/1.jpg", "val2017/2.jpg"]
    kept = ("captions_val2017", "instances_train2017", "instances_val2017")
    assert found.kept == [f"annotations/{name}.json" for name in kept]
    assert found.left_out == ["annotations/old.zip", "annotations/panoptic_val2017/1.png", "annotations/stuff.json",
                              "readme.md", "thumbs/9.jpg"]  # fmt: skip
    assert any("thumbs/9.jpg" in note for note in found.notes)
    assert any("links to the original" in note and "captions" in note for note in found.notes)


def test_coco_names_with_folders_and_at_the_root(tmp_path):
    put(tmp_path, "images/a/1.jpg", "b/1.jpg", "2.jpg")
    (tmp_path / "all.json").write_text(json.dumps({"images": [entry("a/1.jpg"), entry("b/1.jpg"), entry("2.jpg")]}))
    assert read_set(tmp_path, "coco").pictures == ["2.jpg", "b/1.jpg", "images/a/1.jpg"]


REFUSED = {
    "no picture": ([entry("3.jpg")], {}, "lists 3.jpg, but there is no such picture"),
    "several": ([entry("1.jpg")], {}, "1.jpg could be a/1.jpg, b/1.jpg"),
    "sizes": ([entry("a/1.jpg", width=6, height=8)], {}, "says a/1.jpg has 6x8 pixels, it has 8x6"),
    "no name": ([{"id": 1}], {}, "no file_name"),
    "orphan": ([entry("a/1.jpg")], {"annotations": [{"id": 5, "image_id": 7}]}, "annotation 5 speaks of image 7"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_coco_that_does_not_fit_is_refused(tmp_path, case):
    images, more, message = REFUSED[case]
    put(tmp_path, "a/1.jpg", "b/1.jpg")
    coco(tmp_path, "x.json", images, **more)
    with pytest.raises(DataError, match=message):
        read_set(tmp_path, "coco")


def test_coco_without_annotations_or_with_broken_ones(tmp_path):
    put(tmp_path, "a/1.jpg")
    with pytest.raises(DataError, match="no COCO annotations"):
        read_set(tmp_path, "coco")
    put(tmp_path, "annotations/x.json")
    with pytest.raises(DataError, match=r"x\.json: not JSON"):
        read_set(tmp_path, "coco")


@pytest.mark.parametrize("order", ["{0}/{1}", "{1}/{0}"])
def test_yolo(tmp_path, order):
    images, labels = order.format("images", "train"), order.format("labels", "train")
    put(tmp_path, f"{images}/1.jpg", f"{images}/2.png", f"{labels}/1.txt", "thumbs/1.jpg", f"{labels}.cache",
        "classes.txt")  # fmt: skip
    (tmp_path / "data.yaml").write_text("train: images/train\nnames: [person]\n")
    found = read_set(tmp_path, "yolo")
    assert found.pictures == [f"{images}/1.jpg", f"{images}/2.png"]
    assert found.kept == sorted(["classes.txt", "data.yaml", f"{labels}/1.txt"])
    assert sorted(found.left_out) == sorted([f"{labels}.cache", "thumbs/1.jpg"])
    assert any("without labels" in note and "2.png" in note for note in found.notes)
    assert not any("absolute" in note for note in found.notes)


BACK = ["path: /data/faces\n", "train: '/a/b'\n", "train:\n  - /a/b\n", "path: ~/sets\n", "val: C:\\x\n"]


@pytest.mark.parametrize("text", BACK)
def test_yolo_files_that_lead_back_to_the_originals_are_said(tmp_path, text):
    put(tmp_path, "images/1.jpg", "labels/1.txt")
    (tmp_path / "data.yaml").write_text(f"names: [a]\n{text}")
    (tmp_path / "val.txt").write_text("/data/faces/images/1.jpg\n")
    notes = read_set(tmp_path, "yolo").notes
    assert [note.split()[0] for note in notes if "absolute path" in note] == ["data.yaml", "val.txt"]


def test_yolo_labels_without_picture(tmp_path):
    put(tmp_path, "images/1.jpg", "labels/1.txt", "labels/2.txt")
    with pytest.raises(DataError, match=r"labels without their picture: labels/2\.txt"):
        read_set(tmp_path, "yolo")


def test_pictures_stored_turned_are_refused_where_annotations_are_in_pixels(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    put(tmp_path, "images/1.jpg", exif=turned)
    coco(tmp_path, "x.json", [entry("1.jpg")])
    for form in ("coco", "yolo"):
        with pytest.raises(DataError, match=r"EXIF orientation: images/1\.jpg"):
            read_set(tmp_path, form)
    assert read_set(tmp_path, "folder").pictures == ["images/1.jpg"]


def test_what_is_no_set(tmp_path):
    with pytest.raises(OptionError, match="coco, folder, lfw, yolo"):
        read_set(tmp_path, "voc")
    with pytest.raises(DataError, match="not a folder"):
        read_set(tmp_path / "none", "lfw")
    for form in set(FORMS) - {"coco"}:
        with pytest.raises(DataError, match="no pictures"):
            read_set(tmp_path, form)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(np.arange(9).tobytes())
    with pytest.raises(ImageError, match=r"1\.jpg"):
        read_set(tmp_path, "yolo")
